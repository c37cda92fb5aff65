// What a visitor does that takes more than one statement. All throw PqError and WrongAnswer.
#pragma once

#include "soak/visit.h"

namespace remuda::soak {

// Moves money between two accounts, by one message or by several; may roll back, or vanish.
void transfer(Visit& visit);
void check_sum(Visit& visit);
// COPY FROM STDIN in a transaction that is rolled back.
void copy_in(Visit& visit);
// An error makes a transaction fail until it is rolled back.
void fail_in_transaction(Visit& visit);
// What is SET in a transaction that is rolled back was never set.
void set_and_roll_back(Visit& visit);
// Statement mode refuses a transaction, and the client with it.
void begin_where_refused(Visit& visit);
// A new session is clean; then it is made dirty, for the next one to find.
void begin_session(Visit& visit);

}  // namespace remuda::soak
