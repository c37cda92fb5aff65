#include "auth/hba.h"
#include "io/stream.h"
#include "remuda/session/conversation.h"
