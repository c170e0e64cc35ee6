#include "core/template_choice.hpp"

#include "core/ascii.hpp"

namespace mfa::core {

namespace {

constexpr bool is_separator(char c) noexcept { return c == '-' || c == '_'; }

bool is_general_form(std::string_view general, std::string_view locale) noexcept {
    if (general.size() > locale.size() ||
        (general.size() < locale.size() && !is_separator(locale[general.size()])))
        return false;
    for (std::size_t i = 0; i < general.size(); i++)
        if (is_separator(general[i]) ? !is_separator(locale[i])
                                     : to_lower(general[i]) != to_lower(locale[i]))
            return false;
    return true;
}

int count_subtags(std::string_view locale) noexcept {
    int count = 1;
    for (const char c : locale)
        count += is_separator(c) ? 1 : 0;
    return count;
}

} // namespace

std::optional<int> template_fit(std::string_view template_locale, std::string_view template_channel,
                                std::string_view locale, std::string_view channel) noexcept {
    if (!template_channel.empty() && template_channel != channel)
        return std::nullopt;
    if (!template_locale.empty() && !is_general_form(template_locale, locale))
        return std::nullopt;
    return (template_locale.empty() ? 0 : 2 * count_subtags(template_locale)) +
           (template_channel.empty() ? 0 : 1);
}

std::optional<std::string_view> wider_purpose(std::string_view purpose) noexcept {
    if (purpose.empty())
        return std::nullopt;
    const std::size_t colon = purpose.rfind(':');
    return colon == std::string_view::npos ? std::string_view{} : purpose.substr(0, colon);
}

} // namespace mfa::core
