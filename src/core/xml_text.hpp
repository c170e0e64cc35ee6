// The one thing that mfa wants of an XML document: the text of an element.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

namespace mfa::core {

// The text of the first element at `path`, from the root down, by names without their prefixes:
// {"PublishResponse", "PublishResult", "MessageId"}. Nothing where there is none, where it holds
// elements itself, or where the document is not well-formed, nests deeper than 32 elements or has a
// DOCTYPE, whose entities could make much out of little. Memory: that text, and 32 names.
std::optional<std::string> xml_text_at(std::string_view document,
                                       std::initializer_list<std::string_view> path);

} // namespace mfa::core
