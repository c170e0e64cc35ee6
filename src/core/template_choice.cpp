#include "core/template_choice.hpp"

#include "core/ascii.hpp"
#include "core/locale.hpp"

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

// 0: not at all. A tag that only means the same fits a little less.
int fit_of_locale(std::string_view template_locale, std::string_view locale) noexcept {
    if (is_general_form(template_locale, locale))
        return 4 * count_subtags(template_locale);
    const std::string_view meant = meant_locale(template_locale);
    return is_general_form(meant, meant_locale(locale)) ? 4 * count_subtags(meant) - 2 : 0;
}

} // namespace

std::optional<int> template_fit(std::string_view template_locale, std::string_view template_channel,
                                std::string_view locale, std::string_view channel) noexcept {
    if (!template_channel.empty() && template_channel != channel)
        return std::nullopt;
    const int fit = template_locale.empty() ? 0 : fit_of_locale(template_locale, locale);
    if (fit == 0 && !template_locale.empty())
        return std::nullopt;
    return fit + (template_channel.empty() ? 0 : 1);
}

std::optional<std::string_view> wider_purpose(std::string_view purpose) noexcept {
    if (purpose.empty())
        return std::nullopt;
    const std::size_t colon = purpose.rfind(':');
    return purpose.substr(0, colon == std::string_view::npos ? 0 : colon);
}

} // namespace mfa::core
