#include "core/template_choice.hpp"

#include <gtest/gtest.h>

namespace mfa::core {
namespace {

TEST(TemplateFit, TheLanguageCountsForMoreThanTheChannel) {
    const auto all = template_fit("", "", "pt-BR", "sms");
    const auto channel = template_fit("", "sms", "pt-BR", "sms");
    const auto language = template_fit("pt", "", "pt-BR", "sms");
    const auto both = template_fit("pt", "sms", "pt-BR", "sms");
    const auto exact = template_fit("pt-BR", "", "pt-BR", "sms");
    ASSERT_TRUE(all && channel && language && both && exact);
    EXPECT_LT(*all, *channel);
    EXPECT_LT(*channel, *language);
    EXPECT_LT(*language, *both);
    EXPECT_LT(*both, *exact);
}

TEST(TemplateFit, InEitherCaseAndWithEitherSeparator) {
    EXPECT_EQ(template_fit("PT_br", "", "pt-BR", "sms"), template_fit("pt-BR", "", "pt-BR", "sms"));
    EXPECT_EQ(template_fit("zh-hant", "", "ZH_Hant_HK", "sms"),
              template_fit("zh-Hant", "", "zh-Hant-HK", "sms"));
}

TEST(TemplateFit, WhatDoesNotFit) {
    EXPECT_FALSE(template_fit("pt", "", "p", "sms"));
    EXPECT_FALSE(template_fit("pt", "", "pts", "sms"));
    EXPECT_FALSE(template_fit("pt-BR", "", "pt", "sms"));
    EXPECT_FALSE(template_fit("pt-BR", "", "pt-PT", "sms"));
    EXPECT_FALSE(template_fit("pt", "", "", "sms"));
    EXPECT_FALSE(template_fit("", "voice", "pt", "sms"));
}

TEST(WiderPurpose, EndsWithTheEmptyOne) {
    EXPECT_EQ(wider_purpose("payment:4711"), "payment");
    EXPECT_EQ(wider_purpose("a:b:c"), "a:b");
    EXPECT_EQ(wider_purpose("payment"), "");
    EXPECT_EQ(wider_purpose(":"), "");
    EXPECT_FALSE(wider_purpose("").has_value());
}

} // namespace
} // namespace mfa::core
