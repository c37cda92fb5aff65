#include <string>  // bad
