#include "core/reserved_recipient.hpp"

#include <gtest/gtest.h>

namespace mfa::core {
namespace {

TEST(ReservedRecipient, NumbersOfNobody) {
    for (const char *number : {"+14155550100", "+12125550199", "+447700900123", "+33639981234",
                               "+493023125000", "+61491570156", "+9991234567"})
        EXPECT_TRUE(is_reserved_recipient(number)) << number;
    for (const char *number : {"+14155550200", "+14155551100", "+141555501000", "+1415555010",
                               "+447700901123", "+33612345678", "+61491570155", "+491713920123",
                               "+18005550150", "+18885550150", "+99812345678", "", "+"})
        EXPECT_FALSE(is_reserved_recipient(number)) << number;
}

TEST(ReservedRecipient, DomainsOfNobody) {
    for (const char *address :
         {"a@example.com", "a@mail.example.org", "a@shop.test", "a@localhost"})
        EXPECT_TRUE(is_reserved_recipient(address)) << address;
    for (const char *address :
         {"a@example.de", "a@notexample.com", "a@example.com.evil.net", "example.com@b.net", "a@"})
        EXPECT_FALSE(is_reserved_recipient(address)) << address;
}

} // namespace
} // namespace mfa::core
