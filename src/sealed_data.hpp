// What is sealed in the tables, opened. C++ zone.
#pragma once

#include <span>
#include <string>

#include "core/digest.hpp"
#include "core/request_data.hpp"
#include "pg.hpp"

namespace mfa {

// core::Error 55000 where the key file lacks the key; XX000 where the bytes were not sealed under it for
// this request.
core::RequestData open_sealed(const core::Keyring &keys, int key_id, const core::RequestId &request,
                              std::span<const std::uint8_t> sealed);

// As a statement has read it.
std::span<const std::uint8_t> as_bytes(const std::string &text);

// A bytea's content; none of null.
std::span<const std::uint8_t> bytes_of(const bytea *value);

} // namespace mfa
