#include "route/patroni_client.h"

#include "config/load.h"
#include "remuda/base/error.h"

#ifdef REMUDA_HAVE_CURL

#include <curl/curl.h>
#include <fmt/core.h>

#include <algorithm>
#include <memory>

#include "route/patroni_cluster.h"

namespace remuda::route {
namespace {

constexpr size_t kMaxHeaders = 64 * 1024;
constexpr size_t kMaxReason = 200;
constexpr Micros kShortestTimeout = kSecond / 10;
constexpr long kOk = 200;

struct Cleanup {
  void operator()(CURL* curl) const noexcept { curl_easy_cleanup(curl); }
};
using Request = std::unique_ptr<CURL, Cleanup>;

// What has arrived of one answer.
struct Arrived {
  std::string body;
  size_t headers = 0;
  bool is_too_long = false;
};

// libcurl ends the request when a callback takes less than it was given.
size_t take_body(char* bytes, size_t, size_t count, void* arrived) noexcept {
  auto& answer = *static_cast<Arrived*>(arrived);
  answer.is_too_long = count > kMaxPatroniAnswer - answer.body.size();
  if (answer.is_too_long) return 0;
  answer.body.append(bytes, count);
  return count;
}

size_t take_header(char*, size_t, size_t count, void* arrived) noexcept {
  auto& answer = *static_cast<Arrived*>(arrived);
  answer.headers += count;
  answer.is_too_long = answer.headers > kMaxHeaders;
  return answer.is_too_long ? 0 : count;
}

// Called about once a second; anything but 0 ends the request.
int look_on(void* interrupted, curl_off_t, curl_off_t, curl_off_t, curl_off_t) noexcept {
  return *static_cast<std::atomic<bool>*>(interrupted) ? 1 : 0;
}

template <class Value>
void set(CURL* curl, CURLoption option, Value value) {
  const CURLcode code = (curl_easy_setopt)(curl, option, value);
  if (code != CURLE_OK) throw PgError(std::string("libcurl: ") + curl_easy_strerror(code));
}

void set_file(CURL* curl, CURLoption option, const std::string& file) {
  if (!file.empty()) set(curl, option, file.c_str());
}

// Nothing of the environment has a say: no proxy, no .netrc, no file://, no other server.
void set_transfer(CURL* curl, const PatroniOptions& options) {
  const Micros timeout = std::max(options.timeout, kShortestTimeout) / kMillisecond;
  set(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(timeout));
  set(curl, CURLOPT_NOSIGNAL, 1L);
  // A resolver that hangs is left to itself.
  set(curl, CURLOPT_QUICK_EXIT, 1L);
  set(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  set(curl, CURLOPT_FOLLOWLOCATION, 0L);
  set(curl, CURLOPT_PROXY, "");
  set(curl, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  set(curl, CURLOPT_USERAGENT, "remuda");
  if (options.user.empty()) return;
  set(curl, CURLOPT_HTTPAUTH, static_cast<long>(CURLAUTH_BASIC));
  set(curl, CURLOPT_USERNAME, options.user.c_str());
  set(curl, CURLOPT_PASSWORD, options.password.c_str());
}

void set_tls(CURL* curl, const PatroniOptions& options) {
  set(curl, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  set(curl, CURLOPT_SSL_VERIFYPEER, options.verify ? 1L : 0L);
  set(curl, CURLOPT_SSL_VERIFYHOST, options.verify ? 2L : 0L);
  set_file(curl, CURLOPT_SSLCERT, options.cert_file);
  set_file(curl, CURLOPT_SSLKEY, options.key_file);
  // Nobody is there to be asked for a passphrase.
  set(curl, CURLOPT_KEYPASSWD, "");
  if (options.ca_file.empty()) return;
  set_file(curl, CURLOPT_CAINFO, options.ca_file);
  // Else the system's directory of authorities would count as well.
  set(curl, CURLOPT_CAPATH, static_cast<const char*>(nullptr));
}

void set_callbacks(CURL* curl, Arrived& arrived, std::atomic<bool>& interrupted) {
  set(curl, CURLOPT_WRITEFUNCTION, &take_body);
  set(curl, CURLOPT_WRITEDATA, &arrived);
  set(curl, CURLOPT_HEADERFUNCTION, &take_header);
  set(curl, CURLOPT_HEADERDATA, &arrived);
  set(curl, CURLOPT_XFERINFOFUNCTION, &look_on);
  set(curl, CURLOPT_XFERINFODATA, &interrupted);
  set(curl, CURLOPT_NOPROGRESS, 0L);
}

// libcurl must be initialised by one thread before others use it.
void begin_libcurl() {
  static const CURLcode code = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (code != CURLE_OK) throw PgError(std::string("libcurl: ") + curl_easy_strerror(code));
}

std::string cluster_url(std::string url) {
  while (url.ends_with('/')) url.pop_back();
  return url.ends_with("/cluster") ? url : url + "/cluster";
}

// The body of a good answer. Throws PgError saying why there is none.
std::string get(const std::string& url, const PatroniOptions& options,
                std::atomic<bool>& interrupted) {
  begin_libcurl();
  const Request request(curl_easy_init());
  if (!request) throw PgError("libcurl: no memory");
  Arrived arrived;
  char why[CURL_ERROR_SIZE] = "";
  set(request.get(), CURLOPT_ERRORBUFFER, why);
  set(request.get(), CURLOPT_URL, cluster_url(url).c_str());
  set_transfer(request.get(), options);
  set_tls(request.get(), options);
  set_callbacks(request.get(), arrived, interrupted);
  const CURLcode code = curl_easy_perform(request.get());
  if (arrived.is_too_long) throw PgError("the answer is too long");
  if (code != CURLE_OK) throw PgError(*why != '\0' ? why : curl_easy_strerror(code));
  long status = 0;
  curl_easy_getinfo(request.get(), CURLINFO_RESPONSE_CODE, &status);
  if (status != kOk) throw PgError(fmt::format("the answer is HTTP status {}", status));
  return std::move(arrived.body);
}

}  // namespace

PatroniClient::PatroniClient(PatroniOptions options) : options_(std::move(options)) {}

ClusterView PatroniClient::fetch() {
  std::string reasons;
  if (is_distrusted_.exchange(false)) ++first_;
  for (size_t i = 0; i < options_.urls.size(); ++i) {
    const size_t at = (first_ + i) % options_.urls.size();
    const std::string& url = options_.urls[at];
    try {
      if (interrupted_) throw Closed("shutting down");
      ClusterView view = parse_patroni_cluster(get(url, options_, interrupted_));
      first_ = at;
      return view;
    } catch (const PgError& error) {
      if (!reasons.empty()) reasons += "; ";
      reasons += url + ": " + std::string(error.what()).substr(0, kMaxReason);
    }
  }
  if (interrupted_) throw Closed("shutting down");
  throw PgError(reasons.empty() ? "there is no URL" : reasons);
}

}  // namespace remuda::route

#else

namespace remuda::route {

PatroniClient::PatroniClient(PatroniOptions options) : options_(std::move(options)) {}

ClusterView PatroniClient::fetch() {
  throw PgError("patroni is not supported by this build");
}

}  // namespace remuda::route

#endif

namespace remuda::route {

PatroniOptions patroni_options(const config::Config& config, const std::vector<std::string>& urls) {
  PatroniOptions options;
  options.urls = urls;
  options.user = config.patroni_user;
  options.password = config.patroni_password;
  options.ca_file = config::find_beside(config, config.patroni_ca_file);
  options.cert_file = config::find_beside(config, config.patroni_cert_file);
  options.key_file = config::find_beside(config, config.patroni_key_file);
  options.verify = config.patroni_verify;
  options.timeout = config.patroni_timeout;
  return options;
}

}  // namespace remuda::route
