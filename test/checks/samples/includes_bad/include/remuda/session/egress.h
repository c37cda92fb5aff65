#include <uv.h>  // bad
#include <openssl/ssl.h>  // bad
#include "remuda/base/bytes.h"
