#include "io/address.h"
#include "pg/login.h"  // bad
