#include "proxy/login_entry.h"

#include "proxy/worker.h"

namespace remuda::proxy {

LoginEntry::LoginEntry(Worker& its_worker, Stage its_stage, uint64_t its_id, Micros since)
    : worker(its_worker),
      stage(its_stage),
      id(its_id),
      connect_time(since),
      stage_time(its_worker.now()) {
  worker.login_entries.push_back(*this);
}

LoginEntry::~LoginEntry() {
  worker.login_entries.erase(*this);
}

}  // namespace remuda::proxy
