#include "macro/load_client.h"

namespace remuda::bench {

void LoadClient::close() {
  channel.close();
  scram = ScramLogin();
  state = State::closed;
  unsent.clear();
  waits_for_room = false;
  rests_until = 0;
  replies = Replies();
}

}  // namespace remuda::bench
