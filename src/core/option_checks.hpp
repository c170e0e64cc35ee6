// What checks of options are made of, for provider.cpp and the providers.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

namespace mfa::core {

// core::Error HV024: option "name" + `what`.
[[noreturn]] void refuse_option(std::string_view name, std::string_view what,
                                std::string hint = {});

// A whole number within the bounds.
int read_int_option(std::string_view name, std::string_view value, int least, int most);

// A number within the bounds, in plain decimal notation.
double read_number_option(std::string_view name, std::string_view value, double least, double most);

// A time within the bounds, written as in postgresql.conf: a whole number, then ms (also when there
// is no unit), s or min.
std::chrono::milliseconds read_time_option(std::string_view name, std::string_view value,
                                           std::chrono::milliseconds least,
                                           std::chrono::milliseconds most);

} // namespace mfa::core
