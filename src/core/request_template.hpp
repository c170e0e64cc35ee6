// Requests whose parts are templates: {to} {from} {text} {code} {channel} {locale} {id} {life}
// {token}, each escaped as the place where it stands demands.
#pragma once

#include <optional>
#include <string_view>

#include "core/provider.hpp"
#include "core/secret.hpp"

namespace mfa::core {

// Where a value is put: percent-encoded in a URL and a form, escaped in JSON and XML, as it is in
// plain text. A header takes only {id}, {channel} and {token}, as they are.
enum class Place { url, json, xml, form, plain, header };

// How a body of that content type is escaped; nothing where that is not known.
std::optional<Place> place_of_content_type(std::string_view content_type);

// core::Error HV024 that names the option and lists the valid placeholders where `text` has another
// one; in a URL also for a brace that belongs to none.
void check_request_template(std::string_view option, std::string_view text, Place place);

bool has_placeholder(std::string_view text, std::string_view name);

// Appends `text` with its placeholders filled. core::Error 55000 where a value for a header is not
// printable ASCII.
void fill_request_template(Secret &out, std::string_view text, Place place,
                           const OutboundMessage &message, const Options &options);

} // namespace mfa::core
