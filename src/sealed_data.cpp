#include "sealed_data.hpp"

#include "core/error.hpp"

namespace mfa {

core::RequestData open_sealed(const core::Keyring &keys, int key_id, const core::RequestId &request,
                              std::span<const std::uint8_t> sealed) {
    const core::Key *key = keys.find(key_id);
    if (!key)
        throw core::Error(
            core::sqlstate::object_not_in_prerequisite_state,
            "the key file does not have the key of this request",
            "Put the key back into the file that mfa.key_file names, behind the current "
            "one.");
    const std::optional<core::Secret> plain = core::unseal(*key, request, sealed);
    std::optional<core::RequestData> data = plain ? core::decode(plain->view()) : std::nullopt;
    if (!data)
        throw core::Error(core::sqlstate::internal_error, "sealed data could not be opened");
    return *std::move(data);
}

std::span<const std::uint8_t> as_bytes(const std::string &text) {
    return {reinterpret_cast<const std::uint8_t *>(text.data()), text.size()};
}

std::span<const std::uint8_t> bytes_of(const bytea *value) {
    if (!value)
        return {};
    return {reinterpret_cast<const std::uint8_t *>(VARDATA_ANY(value)),
            static_cast<std::size_t>(VARSIZE_ANY_EXHDR(value))};
}

} // namespace mfa
