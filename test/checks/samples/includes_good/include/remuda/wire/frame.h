#include <openssl/hmac.h>

#include <string>

#include "frame_parts.h"
#include "remuda/base/bytes.h"
