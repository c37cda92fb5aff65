// What a visitor does that leaves nothing behind: questions by every part of the protocol. All
// throw PqError and WrongAnswer.
#pragma once

#include "soak/visit.h"

namespace remuda::soak {

void ask_simple(Visit& visit);
void ask_extended(Visit& visit);
// By a named prepared statement. Others have it as well, under the same name or another.
void ask_prepared(Visit& visit);
void ask_several(Visit& visit);
// Batches with several Syncs, with an error somewhere.
void ask_pipelined(Visit& visit);
void ask_large(Visit& visit);
void ask_wrongly(Visit& visit);
void ask_and_cancel(Visit& visit);
void copy_out(Visit& visit);
// SETs something that poolers must carry along.
void set_something(Visit& visit);
void check_settings(Visit& visit);
// Asks and is gone before the answer has come.
void ask_and_vanish(Visit& visit);

}  // namespace remuda::soak
