#include "unit/session/model_program.h"

#include <cstdlib>

#include "unit/session/messages.h"

using namespace std::string_literals;

namespace remuda::session::test {

ModelProgram::ModelProgram(unsigned seed, const ModelWorld::Rules& rules, bool tells)
    : random_(seed), world_(random_, rules, tells) {}

void ModelProgram::run(int steps) {
  for (int i = 0; i < steps; ++i) {
    Client& client = world_.clients()[random_.below(world_.clients().size())];
    if (random_.once_in(3) && (!waits(client) || client.is_served())) say(client);
    if (random_.once_in(60)) world_.leave(client);
    world_.turn();
  }
  finish();
}

// Each client ends what it has begun.
void ModelProgram::finish() {
  std::vector<Client*> left;
  for (Client& client : world_.clients()) left.push_back(&client);
  for (int i = 0; i < 100000 && !left.empty(); ++i) {
    std::erase_if(left, [&](Client* client) {
      if (waits(*client) && !client->is_served()) return false;
      world_.send(*client, sync() + query("rollback; select 1"));
      return true;
    });
    world_.turn();
  }
  world_.settle_all();
}

std::string parse_message(const std::string& name, const std::string& sql) {
  return message('P', zero_ended(name) + zero_ended(sql) + "\0\0"s);
}

std::string bind_message(const std::string& portal, const std::string& name,
                         const std::vector<std::string>& values) {
  std::string body = zero_ended(portal) + zero_ended(name) + "\0\0\0"s;
  body += static_cast<char>(values.size());
  for (const std::string& value : values) {
    std::string size(4, '\0');
    store_u32(size.data(), value == "null" ? UINT32_MAX : static_cast<uint32_t>(value.size()));
    body += size + (value == "null" ? "" : value);
  }
  return message('B', body + "\0\0"s);
}

std::string execute_message(const std::string& portal, uint32_t most_rows) {
  std::string most(4, '\0');
  store_u32(most.data(), most_rows);
  return message('E', zero_ended(portal) + most);
}

int model_option(const char* variable, int otherwise) {
  const char* const text = std::getenv(variable);
  return text ? std::atoi(text) : otherwise;
}

}  // namespace remuda::session::test
