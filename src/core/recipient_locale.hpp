#pragma once
#include <string_view>
namespace mfa::core {
inline std::string_view recipient_locale(std::string_view) { return {}; }
} // namespace mfa::core
