#include "core/reserved_recipient.hpp"

#include <algorithm>
#include <array>

namespace mfa::core {

namespace {

// A dot stands for any digit.
constexpr std::array<std::string_view, 26> numbers{
    "+1...55501..", // 555-0100 to 0199 in every area of the North American plan
    "+441134960...", "+441632960...", "+442079460...", "+443069990...", "+447700900...",
    "+448081570...", "+449098790...", "+3319900....",  "+3326191....",  "+3335301....",
    "+3346571....",  "+3353649....",  "+3363998....",  "+493023125...", "+496990009...",
    "+494066969...", "+492214710...", "+498999998...", "+4917139200..", "+61491570006",
    "+61491570110",  "+61491570156",  "+61491570157",  "+61491570158",  "+61491570159",
};
constexpr std::string_view no_country = "+999";

constexpr std::array<std::string_view, 3> domains{"example.com", "example.net", "example.org"};
constexpr std::array<std::string_view, 4> top_level_domains{"test", "example", "invalid",
                                                            "localhost"};

bool matches(std::string_view pattern, std::string_view number) noexcept {
    return std::equal(pattern.begin(), pattern.end(), number.begin(), number.end(),
                      [](char expected, char c) { return expected == '.' || expected == c; });
}

// 800, 833, 844 ... 888: free to the caller, and not kept for examples.
bool is_toll_free(std::string_view number) noexcept {
    return number.size() > 5 && number.starts_with("+18") &&
           (number.substr(3, 2) == "00" || number[3] == number[4]);
}

bool is_within(std::string_view host, std::string_view domain) noexcept {
    return host == domain || (host.size() > domain.size() && host.ends_with(domain) &&
                              host[host.size() - domain.size() - 1] == '.');
}

} // namespace

bool is_reserved_recipient(std::string_view recipient) noexcept {
    const std::size_t at = recipient.find('@');
    if (at == std::string_view::npos)
        return recipient.starts_with(no_country) ||
               (!is_toll_free(recipient) &&
                std::any_of(numbers.begin(), numbers.end(), [recipient](std::string_view pattern) {
                    return matches(pattern, recipient);
                }));
    const auto holds = [host = recipient.substr(at + 1)](std::string_view domain) {
        return is_within(host, domain);
    };
    return std::any_of(domains.begin(), domains.end(), holds) ||
           std::any_of(top_level_domains.begin(), top_level_domains.end(), holds);
}

} // namespace mfa::core
