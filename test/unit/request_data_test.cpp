#include "core/request_data.hpp"

#include <optional>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "freed_memory.hpp"

namespace mfa::core {
namespace {

RequestData sample() {
    return {Secret("+14155550123"), Secret("048291"), "Code: {code}", "pt-BR", "Shop", "+15550100",
            "payment:4711",         "example.com",    "FA+9qCX9VSu",  true};
}

std::string encoded(const RequestData &data) { return std::string(encode(data).view()); }

void expect_equal(const RequestData &a, const RequestData &b) {
    EXPECT_EQ(a.recipient.view(), b.recipient.view());
    EXPECT_EQ(a.code.view(), b.code.view());
    EXPECT_EQ(a.message, b.message);
    EXPECT_EQ(a.locale, b.locale);
    EXPECT_EQ(a.app, b.app);
    EXPECT_EQ(a.sender, b.sender);
    EXPECT_EQ(a.purpose, b.purpose);
    EXPECT_EQ(a.webotp_domain, b.webotp_domain);
    EXPECT_EQ(a.app_hash, b.app_hash);
    EXPECT_EQ(a.own_message, b.own_message);
}

// Rows of an older version of the library are read by a newer one: the form is fixed.
TEST(RequestData, HasAFixedForm) {
    EXPECT_EQ(encoded(sample()),
              std::string("\x01"
                          "\0\0\0\x0c+14155550123"
                          "\0\0\0\x06"
                          "048291"
                          "\0\0\0\x0c"
                          "Code: {code}"
                          "\0\0\0\x05pt-BR"
                          "\0\0\0\x04Shop"
                          "\0\0\0\x09+15550100"
                          "\0\0\0\x0cpayment:4711"
                          "\0\0\0\x0b"
                          "example.com"
                          "\0\0\0\x0b"
                          "FA+9qCX9VSu"
                          "\0\0\0\x01"
                          "1",
                          1 + 10 * 4 + 12 + 6 + 12 + 5 + 4 + 9 + 12 + 11 + 11 + 1));
}

TEST(RequestData, ComesBackAsItWas) {
    const RequestData data = sample();
    const std::optional<RequestData> back = decode(encode(data).view());
    ASSERT_TRUE(back);
    expect_equal(*back, data);
}

TEST(RequestData, KeepsEmptyFieldsAndEveryByte) {
    std::string all_bytes;
    for (int byte = 0; byte < 256; ++byte) {
        all_bytes += static_cast<char>(byte);
    }
    for (const std::string &text : {std::string(), all_bytes, std::string(1 << 20, 'x')}) {
        for (int field = 0; field < 9; ++field) {
            RequestData data;
            data.recipient = Secret(field == 0 ? text : "");
            data.code = Secret(field == 1 ? text : "");
            int each = 2;
            for (std::string *value : {&data.message, &data.locale, &data.app, &data.sender,
                                       &data.purpose, &data.webotp_domain, &data.app_hash})
                if (each++ == field)
                    *value = text;
            const std::optional<RequestData> back = decode(encode(data).view());
            ASSERT_TRUE(back);
            expect_equal(*back, data);
        }
    }
}

TEST(RequestData, RefusesEveryTruncationAndExtension) {
    const std::string whole = encoded(sample());
    for (std::size_t size = 0; size < whole.size(); ++size) {
        EXPECT_FALSE(decode(whole.substr(0, size))) << size;
        if (size > 0) {
            EXPECT_FALSE(decode(whole.substr(size))) << size;
        }
    }
    EXPECT_FALSE(decode(whole + '\0'));
    EXPECT_FALSE(decode(whole + whole));
}

TEST(RequestData, RefusesAnyOtherVersion) {
    std::string bytes = encoded(sample());
    for (int version = 0; version < 256; ++version) {
        bytes[0] = static_cast<char>(version);
        EXPECT_EQ(decode(bytes).has_value(), version == 1) << version;
    }
}

TEST(RequestData, RefusesEveryWrongLength) {
    const std::string whole = encoded(sample());
    // One length is wrong, so the fields behind it are, or there is a rest.
    for (const std::size_t at : {1, 17, 27, 43, 52, 60}) {
        for (std::size_t i = 0; i < 4; ++i) {
            for (int byte = 0; byte < 256; ++byte) {
                std::string changed = whole;
                changed[at + i] = static_cast<char>(byte);
                if (changed != whole) {
                    EXPECT_FALSE(decode(changed)) << at << " " << i << " " << byte;
                }
            }
        }
    }
    EXPECT_FALSE(decode("\x01\xff\xff\xff\xff"));
    EXPECT_FALSE(decode(std::string("\x01", 1) + std::string(39, '\0')));
    EXPECT_TRUE(decode(std::string("\x01", 1) + std::string(40, '\0')));
    EXPECT_FALSE(decode(std::string("\x01", 1) + std::string(41, '\0')));
}

TEST(RequestData, LeavesNoSecretBehind) {
    for (const std::string_view secret : {"+14155550123", "048291"}) {
        const test::FreedMemory freed(secret);
        {
            const RequestData data = sample();
            const Secret bytes = encode(data);
            const std::optional<RequestData> back = decode(bytes.view());
            EXPECT_TRUE(back);
            EXPECT_FALSE(decode(bytes.view().substr(0, bytes.size() - 1)));
        }
        EXPECT_GT(freed.blocks(), 0U);
        EXPECT_EQ(freed.blocks_with_marker(), 0U);
    }
}

} // namespace
} // namespace mfa::core
