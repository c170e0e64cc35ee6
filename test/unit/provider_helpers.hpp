// Messages to build requests from, for the tests of all providers.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "core/provider.hpp"

namespace mfa::test {

// What an encoder can stumble over: bytes beyond ASCII, the separators of forms, JSON and XML, line
// ends, the placeholders of template languages.
inline constexpr std::string_view hostile = "é😀&=+%\"<>'\\/\r\n\t{}${1+1}%{call.from}#;?";
inline constexpr std::string_view hostile_percent_encoded =
    "%C3%A9%F0%9F%98%80%26%3D%2B%25%22%3C%3E%27%5C%2F%0D%0A%09%7B%7D%24%7B1%2B1%7D%25%7Bcall."
    "from%7D%23%3B%3F";

inline core::OutboundMessage text_message() {
    core::OutboundMessage message;
    message.channel = core::Channel::sms;
    message.id = "018f0000-0000-7000-8000-000000000001";
    message.recipient = "+14155550123";
    message.sender = "+15550100";
    message.text = "Your Personal Authorization Code is: 482913";
    message.code = "482913";
    message.life = std::chrono::seconds(600);
    message.now = std::chrono::sys_seconds(std::chrono::seconds(1'800'000'000));
    return message; // 2027-01-15T08:00:00Z
}

inline core::OutboundMessage call_message() {
    core::OutboundMessage message = text_message();
    message.channel = core::Channel::voice;
    message.text = "Your code is: 4, 8, 2, 9, 1, 3. Your code is: 4, 8, 2, 9, 1, 3.";
    return message;
}

inline std::vector<std::string> headers_of(const core::HttpRequest &request) {
    std::vector<std::string> lines;
    for (const core::Secret &header : request.headers)
        lines.emplace_back(header.view());
    return lines;
}

} // namespace mfa::test
