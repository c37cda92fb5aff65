#include "support/tls_settings.h"

namespace remuda::test {

std::string client_tls(const std::string& mode, const CertificateFiles& own) {
  return "client_tls_sslmode = " + mode + "\nclient_tls_cert_file = " + own.cert +
         "\nclient_tls_key_file = " + own.key +
         "\nclient_tls_ca_file = " + certificates().authority.file() + "\n";
}

std::string server_tls(const std::string& mode) {
  return "server_tls_sslmode = " + mode +
         "\nserver_tls_ca_file = " + certificates().authority.file() + "\n";
}

Address tls_address(const Remuda& remuda, const std::string& user, const std::string& password,
                    const std::string& mode, const CertificateFiles& own) {
  Address address = remuda.address("p0", user, password);
  address.host = "localhost";
  address.options = "hostaddr=127.0.0.1 sslmode=" + mode;
  // libpq checks us in every mode if it has an authority to check by.
  if (mode.rfind("verify", 0) == 0)
    address.options += " sslrootcert=" + certificates().authority.file();
  if (!own.cert.empty()) address.options += " sslcert=" + own.cert + " sslkey=" + own.key;
  return address;
}

Address unix_address(const Remuda& remuda, const std::string& user, const std::string& password) {
  Address address = remuda.address("p0", user, password);
  address.host = remuda.dir();
  return address;
}

std::string database_at(const std::string& host, int port, const std::string& more) {
  return "p0 = host=" + host + " port=" + std::to_string(port) + " " + more + "\n";
}

}  // namespace remuda::test
