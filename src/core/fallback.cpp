#include "core/fallback.hpp"

#include <algorithm>
#include <charconv>
#include <string>

#include "core/error.hpp"

namespace mfa::core {

namespace {

constexpr std::chrono::seconds least_wait{5};
constexpr std::chrono::seconds most_wait{3600};

[[noreturn]] void refuse(std::size_t step, const std::string &what) {
    throw Error(
        sqlstate::invalid_parameter_value, "fallback step " + std::to_string(step) + " " + what,
        "Write CHANNEL:WAIT for each channel but the last, such as 'sms:60s voice'; channels "
        "are sms, voice and whatsapp, units are s and min.");
}

std::chrono::seconds parse_wait(std::string_view text, std::size_t step) {
    long number = 0;
    const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const std::string_view unit = text.substr(static_cast<std::size_t>(stop - text.data()));
    if (error != std::errc{} || (unit != "s" && unit != "min"))
        refuse(step, "has a wait that is no number of s or min");
    if (number < 0 || number > most_wait.count())
        number = most_wait.count() + 1;
    const std::chrono::seconds wait(unit == "min" ? number * 60 : number);
    if (wait < least_wait || wait > most_wait)
        refuse(step, "has a wait that is not between 5s and 60min");
    return wait;
}

Channel parse_number_channel(std::string_view name, std::size_t step) {
    for (const Channel channel : {Channel::sms, Channel::voice, Channel::whatsapp})
        if (channel_name(channel) == name)
            return channel;
    refuse(step, "is no channel of phone numbers");
}

} // namespace

std::vector<FallbackStep> parse_fallback(std::string_view text) {
    std::vector<FallbackStep> steps;
    while (true) {
        text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
        if (text.empty())
            break;
        const std::size_t number = steps.size() + 1;
        if (!steps.empty() && steps.back().wait == std::chrono::seconds{0})
            refuse(number - 1, "has no wait, and is not the last one");
        std::string_view word = text.substr(0, text.find(' '));
        text.remove_prefix(word.size());
        const std::size_t colon = word.find(':');
        FallbackStep step{parse_number_channel(word.substr(0, colon), number), {}};
        if (colon != std::string_view::npos)
            step.wait = parse_wait(word.substr(colon + 1), number);
        for (const FallbackStep &before : steps)
            if (before.channel == step.channel)
                refuse(number, "is a channel that was there before");
        steps.push_back(step);
    }
    if (!steps.empty() && steps.back().wait != std::chrono::seconds{0})
        refuse(steps.size(), "has a wait, and is the last one");
    if (steps.size() == 1)
        refuse(1, "is the only one");
    return steps;
}

std::vector<FallbackStep> steps_behind(const std::vector<FallbackStep> &steps, Channel channel) {
    std::vector<FallbackStep> behind;
    std::chrono::seconds due{};
    bool found = false;
    for (const FallbackStep &step : steps) {
        if (found)
            behind.push_back({step.channel, due});
        found = found || step.channel == channel;
        if (found)
            due += step.wait;
    }
    return behind;
}

} // namespace mfa::core
