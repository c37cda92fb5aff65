// The SQLSTATEs we raise or look for. Constant; any thread.
// PostgreSQL manual, appendix PostgreSQL Error Codes.
#pragma once

#include "remuda/base/error.h"

namespace remuda::wire::sqlstate {

inline constexpr SqlState kSuccessfulCompletion{"00000"};
inline constexpr SqlState kConnectionFailure{"08006"};
inline constexpr SqlState kTransactionResolutionUnknown{"08007"};
inline constexpr SqlState kProtocolViolation{"08P01"};
inline constexpr SqlState kFeatureNotSupported{"0A000"};
inline constexpr SqlState kInvalidParameterValue{"22023"};
inline constexpr SqlState kReadOnlyTransaction{"25006"};
inline constexpr SqlState kIdleInTransaction{"25P03"};
inline constexpr SqlState kUndefinedPreparedStatement{"26000"};
inline constexpr SqlState kInvalidAuthorization{"28000"};
inline constexpr SqlState kInvalidPassword{"28P01"};
inline constexpr SqlState kUndefinedCursor{"34000"};
inline constexpr SqlState kUndefinedDatabase{"3D000"};
inline constexpr SqlState kInsufficientPrivilege{"42501"};
inline constexpr SqlState kSyntaxError{"42601"};
inline constexpr SqlState kDuplicateCursor{"42P03"};
inline constexpr SqlState kDuplicatePreparedStatement{"42P05"};
inline constexpr SqlState kTooManyConnections{"53300"};
inline constexpr SqlState kProgramLimitExceeded{"54000"};
inline constexpr SqlState kQueryCanceled{"57014"};
inline constexpr SqlState kAdminShutdown{"57P01"};
inline constexpr SqlState kCannotConnectNow{"57P03"};
inline constexpr SqlState kConfigFileError{"F0000"};
inline constexpr SqlState kInternalError{"XX000"};

}  // namespace remuda::wire::sqlstate
