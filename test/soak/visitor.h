// A client of a soak: connects, does something, leaves, and comes again, until all is over.
#pragma once

#include "soak/world.h"

namespace remuda::soak {

// Runs on the calling thread until the world is over. What goes wrong is in world.failures.
void be_visitor(World& world, int number, unsigned seed);

}  // namespace remuda::soak
