// Errors as values of one type: thrown in core, turned into ereport() at the wall.
#pragma once

#include <exception>
#include <string>
#include <utility>

namespace mfa::core {

// The SQLSTATEs that mfa raises (PostgreSQL documentation, appendix A; class MF is mfa's own).
namespace sqlstate {
inline constexpr const char *feature_not_supported = "0A000";
inline constexpr const char *null_value_not_allowed = "22004";
inline constexpr const char *invalid_parameter_value = "22023";
inline constexpr const char *invalid_transaction_state = "25000";
inline constexpr const char *insufficient_privilege = "42501";
inline constexpr const char *undefined_object = "42704";
inline constexpr const char *object_not_in_prerequisite_state = "55000";
inline constexpr const char *send_limit_reached = "MF001";
inline constexpr const char *destination_not_allowed = "MF002";
inline constexpr const char *budget_used_up = "MF003";
inline constexpr const char *held_back = "MF004";
inline constexpr const char *out_of_memory = "53200";
inline constexpr const char *internal_error = "XX000";
inline constexpr const char *fdw_invalid_option_name = "HV00D";
inline constexpr const char *fdw_invalid_attribute_value = "HV024";
} // namespace sqlstate

// A user-visible error. `message` names the value and the bound; `hint` says the way out.
// None of the texts may hold a code, a credential or a stored recipient.
class Error : public std::exception {
  public:
    Error(const char *sqlstate, std::string message, std::string hint = {}, std::string detail = {})
        : sqlstate_(sqlstate), message_(std::move(message)), hint_(std::move(hint)),
          detail_(std::move(detail)) {}

    const char *sqlstate() const noexcept { return sqlstate_; }
    const std::string &message() const noexcept { return message_; }
    const std::string &hint() const noexcept { return hint_; }
    const std::string &detail() const noexcept { return detail_; }
    const char *what() const noexcept override { return message_.c_str(); }

  private:
    const char *sqlstate_;
    std::string message_;
    std::string hint_;
    std::string detail_;
};

} // namespace mfa::core
