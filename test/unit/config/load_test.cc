// Whole files: from text to a configuration, or to all its faults.
#include "config/load.h"

#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "config/effective.h"
#include "config/settings.h"
#include "support/catch.h"

namespace remuda::config::load_test {
namespace {

using Lines = std::vector<std::string>;

// Files of one test; the working directory is theirs as long as this lives.
class Files {
 public:
  Files() : before_(std::filesystem::current_path()) {
    REQUIRE(mkdtemp(path_.data()) != nullptr);
    std::filesystem::current_path(path_);
  }
  ~Files() {
    std::filesystem::current_path(before_);
    std::filesystem::remove_all(path_);
  }
  Files(const Files&) = delete;
  Files& operator=(const Files&) = delete;

  void write(const std::string& name, const std::string& content) const {
    std::ofstream(name, std::ios::trunc) << content;
  }

 private:
  std::string path_ = (std::filesystem::temp_directory_path() / "remuda_load_XXXXXX").string();
  std::filesystem::path before_;
};

Lines texts(const std::vector<Fault>& faults) {
  Lines found;
  for (const Fault& fault : faults) found.push_back(fault.text());
  return found;
}

Loaded load_text(const std::string& text) {
  const Files files;
  files.write("x.ini", text);
  return load("x.ini");
}

Config good(const std::string& text) {
  const Loaded loaded = load_text(text);
  for (const Fault& fault : loaded.faults) FAIL_CHECK(fault.text());
  REQUIRE(loaded.config);
  REQUIRE(loaded.users);
  return *loaded.config;
}

Lines faults(const std::string& text) {
  const Loaded loaded = load_text(text);
  CHECK_FALSE(loaded.config);
  CHECK_FALSE(loaded.users);
  return texts(loaded.faults);
}

}  // namespace

TEST_CASE("an empty section gives the defaults") {
  for (const char* text : {"[pgbouncer]\n", "[remuda]"}) {
    const Config config = good(text);
    const Config defaults;
    for (const Setting& setting : settings()) {
      if (std::string_view(setting.name) == "conffile") continue;
      INFO(setting.name);
      CHECK(show_value(config, setting) == show_value(defaults, setting));
    }
    CHECK(config.path == "x.ini");
    CHECK(config.conffile == "x.ini");
    CHECK(config.databases.empty());
    CHECK_FALSE(config.fallback);
  }
}

TEST_CASE("a fault says where, what and what is allowed") {
  CHECK(Fault{"a.ini", 3, "key", "bad", "good"}.text() == "a.ini:3: key: bad (allowed: good)");
  CHECK(Fault{"a.ini", 3, "", "bad", ""}.text() == "a.ini:3: bad");
  CHECK(Fault{"a.ini", 0, "", "bad", ""}.text() == "a.ini: bad");
}

TEST_CASE("all faults are told at once, in the order of the file") {
  CHECK(faults("[remuda]\n"
               "pool_mode = sesion\n"
               "pool_mod = session\n"
               "xyzzy = 1\n"
               "listen_port = 70000\n"
               "[databases]\n"
               "pgbouncer = host=a\n"
               "a = pool_sise=1 port=x\n"
               "word\n"
               "[peers]\n"
               "0 = host=a\n"
               "[users]\n"
               "u = pool_mode=x\n") ==
        Lines{
            "x.ini:2: pool_mode: bad value \"sesion\" (allowed: session, transaction, statement)",
            "x.ini:3: pool_mod: unknown setting, did you mean pool_mode?",
            "x.ini:4: xyzzy: unknown setting",
            "x.ini:5: listen_port: bad value \"70000\" (allowed: 0 to 65535)",
            "x.ini:7: pgbouncer: pgbouncer: reserved name, it is the console",
            "x.ini:8: a: pool_sise: unknown key, did you mean pool_size?",
            "x.ini:8: a: port: bad value \"x\" (allowed: 1 to 65535)",
            "x.ini:9: syntax error (allowed: NAME = VALUE, an unusual name in single quotes)",
            "x.ini:11: 0: 0: bad peer (allowed: 1 to 65535)",
            "x.ini:13: u: pool_mode: bad value \"x\" (allowed: session, transaction, statement)",
        });
}

TEST_CASE("the main section is a must") {
  CHECK(faults("") == Lines{"x.ini: section [remuda] or [pgbouncer] is missing"});
  CHECK(faults("[databases]\na = host=b\n") ==
        Lines{"x.ini: section [remuda] or [pgbouncer] is missing"});
  const Files files;
  CHECK(texts(load("none.ini").faults) ==
        Lines{"none.ini: cannot be read: No such file or directory"});
}

TEST_CASE("both names of the main section are the same section") {
  const Config config = good("[pgbouncer]\nlisten_port=1\n[remuda]\nmax_client_conn=2\n");
  CHECK(config.listen_port == 6432);
  CHECK(config.max_client_conn == 2);
}

TEST_CASE("a second header of the main section takes back what the first one set") {
  const Config config =
      good("[pgbouncer]\nlisten_port=1\nauth_user=keep\n[databases]\na=\n[pgbouncer]\n");
  CHECK(config.listen_port == 6432);
  CHECK(config.auth_user == "keep");
  CHECK(config.databases.contains("a"));
}

TEST_CASE("the last of several equal names wins") {
  const Config config = good(
      "[pgbouncer]\nlisten_port=1\nlisten_port=2\n[databases]\na=port=1 host=x\n[users]\n"
      "[databases]\na=port=2\n");
  CHECK(config.listen_port == 2);
  CHECK(config.databases.at("a").port == 2);
  CHECK(config.databases.at("a").hosts.empty());
}

TEST_CASE("settings of every type") {
  const Config config = good(
      "  [pgbouncer]\n"
      "  listen_addr = 127.0.0.1, ::1 ,*\n"
      "  admin_users = a,b c\n"
      "  pool_mode = Transaction   # widely copied\n"
      "  default_pool_size = 0x10 ; sixteen\n"
      "  unix_socket_mode = 0700\n"
      "  query_timeout = 2.5\n"
      "  log_connections = off\n"
      "  log_stats = 0\n"
      "  max_packet_size = 4294967295\n"
      "  auth_type = SCRAM-SHA-256\n"
      "  server_reset_query =\n"
      "  login_notify_message = it # is ; all text\n"
      "  verbose = 2\n");
  CHECK(config.listen_addr == Lines{"127.0.0.1", "::1", "*"});
  CHECK(config.admin_users == Lines{"a", "b", "c"});
  CHECK(config.pool_mode == PoolMode::transaction);
  CHECK(config.default_pool_size == 16);
  CHECK(config.unix_socket_mode == 0700);
  CHECK(config.query_timeout == 2500 * kMillisecond);
  CHECK_FALSE(config.log_connections);
  CHECK_FALSE(config.log_stats);
  CHECK(config.max_packet_size == 4294967295);
  CHECK(config.auth_type == AuthType::scram_sha_256);
  CHECK(config.server_reset_query.empty());
  CHECK(config.login_notify_message == "it # is ; all text");
  CHECK(config.verbose == 2);
}

TEST_CASE("databases, the fallback, users and peers") {
  const Config config = good(
      "[databases]\n"
      "shop = host=a,b port=5433 dbname=s user=u password='p ;w''d' pool_size=3\n"
      "'odd name' =\n"
      "* = host=c\n"
      "[users]\n"
      "me = pool_mode=statement query_wait_timeout=0\n"
      "'you too' =\n"
      "[peers]\n"
      "7 = host=/tmp\n"
      "[pgbouncer]\n");
  const Database& shop = config.databases.at("shop");
  CHECK(shop.hosts == Lines{"a", "b"});
  CHECK(shop.port == 5433);
  CHECK(shop.dbname == "s");
  CHECK(shop.user == "u");
  CHECK(shop.password == "p ;w'd");
  CHECK(shop.pool_size == 3);
  CHECK(config.databases.at("odd name").dbname == "odd name");
  CHECK(config.databases.size() == 2);
  REQUIRE(config.fallback);
  CHECK(config.fallback->hosts == Lines{"c"});
  CHECK(config.fallback->dbname == "*");
  CHECK(config.users.at("me").pool_mode == PoolMode::statement);
  CHECK(config.users.at("me").query_wait_timeout == 0);
  CHECK(config.users.contains("you too"));
  CHECK(config.peers.at(7).host == "/tmp");
  CHECK(config.peers.at(7).port == 6432);
}

TEST_CASE("names of databases and users have a longest length") {
  const std::string database(63, 'd');
  const std::string user(127, 'u');
  const Config config = good("[databases]\n" + database + "=\n[users]\n" + user + "=\n[remuda]\n");
  CHECK(config.databases.contains(database));
  CHECK(config.users.contains(user));
  CHECK(faults("[databases]\n" + database + "d=\n[users]\n" + user + "u=\n[remuda]\n").size() == 2);
}

TEST_CASE("huge rubbish makes short faults") {
  const std::string rubbish(5000, 'r');
  for (const std::string& line :
       {"[remuda]\n" + rubbish + "=1\n", "[remuda]\nlisten_port=" + rubbish + "\n",
        "[remuda]\n[databases]\na=" + rubbish + "=1\n", "[remuda]\n[databases]\na=port=" + rubbish,
        "[remuda]\n[databases]\n" + rubbish + "=\n"}) {
    const Lines found = faults(line);
    REQUIRE(found.size() == 1);
    CHECK(found[0].size() < 600);
  }
}

TEST_CASE("TLS with clients needs key and certificate") {
  CHECK(faults("[remuda]\nclient_tls_sslmode = require\n") ==
        Lines{"x.ini:2: client_tls_sslmode: needs client_tls_key_file as well",
              "x.ini:2: client_tls_sslmode: needs client_tls_cert_file as well"});
  CHECK(faults("[remuda]\nclient_tls_key_file=k\nclient_tls_cert_file=c\n"
               "client_tls_sslmode = verify-full\n") ==
        Lines{"x.ini:4: client_tls_sslmode: needs client_tls_ca_file as well"});
  CHECK(good("[remuda]\nclient_tls_key_file=k\nclient_tls_cert_file=c\n"
             "client_tls_sslmode = verify-ca\n")
            .client_tls_sslmode == TlsMode::verify_ca);
}

TEST_CASE("the console's database cannot run auth_query") {
  CHECK(faults("[remuda]\nauth_dbname = pgbouncer\n").size() == 1);
}

TEST_CASE("faults of included files name those files") {
  const Files files;
  files.write("x.ini", "[remuda]\nbad\n%include y.ini\n%include none.ini\npool_mode=x\n");
  files.write("y.ini", "listen_port=1\nlisten_port=y\n");
  CHECK(texts(load("x.ini").faults) ==
        Lines{"x.ini:2: syntax error (allowed: NAME = VALUE, an unusual name in single quotes)",
              "x.ini:4: %include: none.ini: cannot be read: No such file or directory",
              "x.ini:5: pool_mode: bad value \"x\" (allowed: session, transaction, statement)",
              "y.ini:2: listen_port: bad value \"y\" (allowed: 0 to 65535)"});
}

TEST_CASE("secrets do not get into faults") {
  for (const char* line :
       {"a = password=s3cret rest", "a = password=s3cret port=x", "a = password='s3cret",
        "a = password=my s3cret", "a = password='my's3cret", "a = password=my s3cret=1",
        "a = password=my s3cret = 1 port=1", "a = password='s3cret'port=1"}) {
    INFO(line);
    const Lines found = faults(std::string("[remuda]\n[databases]\n") + line + "\n");
    REQUIRE_FALSE(found.empty());
    for (const std::string& text : found) CHECK(text.find("s3cret") == std::string::npos);
  }
  const Lines found = faults("[remuda]\nauth_ldap_options = ldapbindpasswd=s3cret " +
                             std::string(1100, 'x') + "\n");
  REQUIRE(found.size() == 1);
  CHECK(found[0].find("s3cret") == std::string::npos);
}

TEST_CASE("a password may stand in a file of its own") {
  const Files files;
  files.write("pw", "s3cret\n");
  std::filesystem::permissions("pw", std::filesystem::perms(0600));
  files.write("x.ini",
              "[remuda]\n[databases]\na = user=u password_file=pw\n* = password_file=pw\n");
  const Loaded loaded = load("x.ini");
  REQUIRE(loaded.config);
  CHECK(loaded.messages.empty());
  CHECK(loaded.config->databases.at("a").password == "s3cret");
  CHECK(loaded.config->databases.at("a").password_file == "pw");
  CHECK(loaded.config->fallback->password == "s3cret");

  files.write("pw", "changed");
  std::filesystem::permissions("pw", std::filesystem::perms(0640));
  const Loaded again = reload(*loaded.config, loaded.users);
  REQUIRE(again.config);
  CHECK(again.config->databases.at("a").password == "changed");
  const std::string open = "pw: others can read this secret; chmod 600";
  CHECK(again.messages == Lines{open, open});

  std::filesystem::remove("pw");
  const Loaded broken = reload(*loaded.config, loaded.users);
  CHECK_FALSE(broken.config);
  CHECK(texts(broken.faults) ==
        Lines{"x.ini:3: a: password_file: cannot read pw: No such file or directory",
              "x.ini:4: *: password_file: cannot read pw: No such file or directory"});
}

TEST_CASE("a password file is found beside the configuration") {
  const Files files;
  std::filesystem::create_directory("etc");
  files.write("etc/x.ini", "[remuda]\n[databases]\na = password_file=pw\n");
  files.write("etc/pw", "beside\n");
  CHECK(load("etc/x.ini").config->databases.at("a").password == "beside");
  files.write("pw", "here\n");
  CHECK(load("etc/x.ini").config->databases.at("a").password == "here");
}

TEST_CASE("a password file that holds none, and one beside a password, are faults") {
  const Files files;
  files.write("pw", "");
  files.write(
      "x.ini",
      "[remuda]\n[databases]\na = password_file=pw\nb = password=s3cret password_file=pw\n");
  CHECK(texts(load("x.ini").faults) ==
        Lines{"x.ini:3: a: password_file: pw is empty",
              "x.ini:4: b: password_file: there is a password as well (allowed: one of them)"});
}

TEST_CASE("an auth file with passwords that everybody can read is told of") {
  const Files files;
  files.write("x.ini", "[remuda]\nauth_file = users\n");
  const auto messages_at = [&](const char* text, unsigned mode) {
    files.write("users", text);
    std::filesystem::permissions("users", std::filesystem::perms(mode));
    return load("x.ini").messages;
  };
  const Lines warning{"users: others can read these secrets; chmod o-r"};
  CHECK(messages_at("\"a\" \"x\"\n", 0644) == warning);
  CHECK(messages_at("\"a\" \"md5c05b39c9e5f4d1a2b3c4d5e6f7a8b9c0\"\n", 0604) == warning);
  CHECK(messages_at("\"a\" \"x\"\n", 0640).empty());
  CHECK(messages_at("\"a\" \"\"\n\"b\" \"SCRAM-SHA-256$4096:x\"\n", 0644).empty());
}

TEST_CASE("there is a limit to the faults told") {
  std::string text = "[remuda]\n[databases]\n";
  for (int i = 0; i < 300; ++i) text += "a = port=x\n";
  const Lines found = faults(text);
  CHECK(found.size() == 201);
  CHECK(found.back() == "x.ini: 100 more faults");
}

TEST_CASE("a setting without effect is told of when it is set") {
  const Loaded loaded = load_text(
      "[remuda]\nresolv_conf = x\nquery_timeout = 0\npatroni_urls = http://h1:8008\n");
  REQUIRE(loaded.config);
  CHECK(loaded.messages ==
        Lines{"x.ini:2: resolv_conf has no effect: Never used: the C library looks names up, by "
              "/etc/resolv.conf"});
}

TEST_CASE("the auth file is read along") {
  const Files files;
  files.write("users", "\"a\" \"x\"\n");
  files.write("x.ini", "[remuda]\nauth_file = users\n");
  const Loaded loaded = load("x.ini");
  REQUIRE(loaded.users);
  REQUIRE(loaded.users->find("a") != nullptr);
  CHECK(*loaded.users->find("a") == "x");

  files.write("x.ini", "[remuda]\nauth_file = none\n");
  const Loaded without = load("x.ini");
  REQUIRE(without.config);
  REQUIRE(without.users);
  CHECK(without.messages == Lines{"cannot read auth_file \"none\": No such file or directory"});

  for (const char* type : {"any", "pam"}) {
    files.write("x.ini", std::string("[remuda]\nauth_file = none\nauth_type = ") + type + "\n");
    const Loaded open = load("x.ini");
    REQUIRE(open.users);
    CHECK(open.messages.empty());
  }
}

TEST_CASE("an auth file that is not in the working directory is found beside the configuration") {
  const Files files;
  std::filesystem::create_directory("etc");
  files.write("etc/x.ini", "[pgbouncer]\nauth_file = users.txt\n");
  files.write("etc/users.txt", "\"ann\" \"beside\"\n");
  CHECK(*load("etc/x.ini").users->find("ann") == "beside");
  files.write("users.txt", "\"ann\" \"here\"\n");
  CHECK(*load("etc/x.ini").users->find("ann") == "here");
}

TEST_CASE("a reload takes the new file") {
  const Files files;
  files.write("x.ini",
              "[remuda]\nmax_client_conn=1\nquery_timeout=9\n[databases]\na=\nb=\n* "
              "=\n[users]\nu=\n[peers]\n1=host=h\n");
  const Loaded first = load("x.ini");
  REQUIRE(first.config);
  files.write("x.ini", "[remuda]\nmax_client_conn=2\n[databases]\nb=port=1\nc=\n");
  const Loaded second = reload(*first.config, first.users);
  REQUIRE(second.config);
  CHECK(second.config->max_client_conn == 2);
  CHECK(second.config->query_timeout == 0);
  CHECK(second.config->databases.size() == 2);
  CHECK(second.config->databases.at("b").port == 1);
  CHECK_FALSE(second.config->fallback);
  CHECK(second.config->users.empty());
  CHECK(second.config->peers.empty());
  CHECK(second.messages.empty());
}

TEST_CASE("a reload with a fault gives no configuration") {
  const Files files;
  files.write("x.ini", "[remuda]\n");
  const Loaded first = load("x.ini");
  REQUIRE(first.config);
  files.write("x.ini", "[remuda]\nlisten_port = x\n");
  const Loaded second = reload(*first.config, first.users);
  CHECK_FALSE(second.config);
  CHECK_FALSE(second.users);
  CHECK(second.faults.size() == 1);
}

TEST_CASE("a reload keeps what cannot change, and says so") {
  const Files files;
  files.write(
      "x.ini",
      "[remuda]\nlisten_port=1\nlisten_addr=a,b\nunix_socket_mode=0700\nuser=me\njob_name=j\n");
  const Loaded first = load("x.ini");
  REQUIRE(first.config);
  files.write("x.ini", "[remuda]\nlisten_port=2\nlisten_addr=b\nunix_socket_mode=448\nuser=you\n");
  const Loaded second = reload(*first.config, first.users);
  REQUIRE(second.config);
  CHECK(second.config->listen_port == 1);
  CHECK(second.config->listen_addr == Lines{"a", "b"});
  CHECK(second.config->unix_socket_mode == 0700);
  CHECK(second.config->user == "me");
  CHECK(second.config->job_name == "j");
  CHECK(
      second.messages ==
      Lines{"job_name cannot change without a restart: it stays \"j\", the file says \"pgbouncer\"",
            "listen_addr cannot change without a restart: it stays \"a,b\", the file says \"b\"",
            "listen_port cannot change without a restart: it stays \"1\", the file says \"2\"",
            "user cannot change without a restart: it stays \"me\", the file says \"you\""});
}

TEST_CASE("what has no default keeps its value when the file is silent") {
  const Files files;
  files.write("x.ini",
              "[remuda]\nauth_user=u\nauth_dbname=d\nauth_ident_file=i\nverbose=1\n"
              "client_tls13_ciphers=c\nserver_tls13_ciphers=s\nauth_ldap_options=l\nauth_file=f\n");
  const Loaded first = load("x.ini");
  REQUIRE(first.config);
  files.write("x.ini", "[remuda]\n");
  const Loaded second = reload(*first.config, first.users);
  REQUIRE(second.config);
  for (const Setting& setting : settings()) {
    if (setting.default_text != nullptr) continue;
    INFO(setting.name);
    CHECK(show_value(*second.config, setting) == show_value(*first.config, setting));
  }
}

TEST_CASE("a reload takes back what SET has set") {
  const Files files;
  files.write("x.ini", "[remuda]\nmax_client_conn=7\n");
  const Loaded first = load("x.ini");
  REQUIRE(first.config);
  Config changed = *first.config;
  REQUIRE(set_value(changed, "max_client_conn", "8"));
  REQUIRE(set_value(changed, "log_stats", "0"));
  const Loaded second = reload(changed, first.users);
  REQUIRE(second.config);
  CHECK(second.config->max_client_conn == 7);
  CHECK(second.config->log_stats);
}

TEST_CASE("conffile names the file of the next reload") {
  const Files files;
  files.write("x.ini", "[remuda]\nconffile = y.ini\nmax_client_conn=1\n");
  files.write("y.ini", "[remuda]\nmax_client_conn=2\n");
  const Loaded first = load("x.ini");
  REQUIRE(first.config);
  CHECK(first.config->path == "x.ini");
  CHECK(first.config->conffile == "y.ini");
  const Loaded second = reload(*first.config, first.users);
  REQUIRE(second.config);
  CHECK(second.config->max_client_conn == 2);
  CHECK(second.config->path == "y.ini");
  CHECK(second.config->conffile == "y.ini");
}

TEST_CASE("a forced user stays when the file drops it") {
  const Files files;
  files.write("x.ini", "[remuda]\n[databases]\na = user=u password=p\nb = user=u\nc =\n");
  const Loaded first = load("x.ini");
  REQUIRE(first.config);
  files.write("x.ini", "[remuda]\n[databases]\na = port=1\nb = user=v\nc = user=w\n");
  const Loaded second = reload(*first.config, first.users);
  REQUIRE(second.config);
  CHECK(second.config->databases.at("a").user == "u");
  CHECK(second.config->databases.at("a").password == "p");
  CHECK(second.config->databases.at("a").port == 1);
  CHECK(second.config->databases.at("b").user == "v");
  CHECK(second.config->databases.at("c").user == "w");
  CHECK(second.messages ==
        Lines{"database a: a forced user cannot be removed without a restart: it stays u"});
}

TEST_CASE("a reload reads the auth file only when it has changed") {
  const Files files;
  files.write("users", "\"a\" \"x\"\n");
  files.write("x.ini", "[remuda]\nauth_file = users\n");
  const Loaded first = load("x.ini");
  REQUIRE(first.config);
  CHECK(reload(*first.config, first.users).users == first.users);
  files.write("users", "\"b\" \"longer\"\n");
  const Loaded second = reload(*first.config, first.users);
  REQUIRE(second.users);
  CHECK(second.users->find("b") != nullptr);
  files.write("x.ini", "[remuda]\nauth_type = any\n");
  CHECK(reload(*second.config, second.users).users == second.users);
}

TEST_CASE("the sample configuration has no fault") {
  const Loaded loaded = load(std::string(REMUDA_SOURCE_DIR) + "/etc/remuda.ini");
  for (const Fault& fault : loaded.faults) FAIL_CHECK(fault.text());
  REQUIRE(loaded.config);
  CHECK(loaded.config->listen_addr == Lines{"127.0.0.1"});
  CHECK(loaded.config->fallback);
}

}  // namespace remuda::config::load_test
