#include "macro/load_client.h"

namespace remuda::bench {

void LoadClient::close() {
  if (fd >= 0) ::close(fd);
  fd = -1;
  state = State::closed;
  unsent.clear();
  waits_for_room = false;
  replies = Replies();
}

}  // namespace remuda::bench
