#include <openssl/ssl.h>  // bad
#include <uv.h>           // bad
#include "remuda/base/bytes.h"
