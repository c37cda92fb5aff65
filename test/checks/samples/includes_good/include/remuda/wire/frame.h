#include <openssl/hmac.h>

#include <string>

#include "remuda/base/bytes.h"
#include "frame_parts.h"
