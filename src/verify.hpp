// Presenting a code to a request. C++ zone.
#pragma once

#include <optional>
#include <string_view>

#include "core/digest.hpp"

namespace mfa {

enum class VerifyStatus {
    verified,
    wrong,
    expired,
    used,
    exhausted,
    canceled,
    superseded,
    locked,
    not_found
};

const char *status_name(VerifyStatus status);

struct VerifyAnswer {
    VerifyStatus status = VerifyStatus::not_found;
    std::optional<int> attempts_left;        // where there is a request
    std::optional<std::int64_t> retry_after; // microseconds; where the recipient is locked out
};

// A request id, a number or an address; anything else names no request.
VerifyAnswer verify(std::string_view request, std::string_view code, std::string_view purpose);
VerifyAnswer verify(const core::RequestId &request, std::string_view code,
                    std::string_view purpose);

} // namespace mfa
