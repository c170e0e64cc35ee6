#include "core/locale.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "core/ascii.hpp"
#include "core/error.hpp"

namespace mfa::core {

namespace {

// One language. A text addresses its reader as companies do in that language, formally in most, and
// has the code last, behind a colon or what the script has for it. It is in NFC, and fits one segment
// with a code of 20 characters: 140 characters of GSM-7, or 50 where one of them is not in that
// alphabet. test/unit/locale_test.cpp holds every line to what a test can see of this.
//
// Right-to-left texts begin with a letter of their script and have no direction marks: who shows a
// message takes its direction from that letter, and then digits and letters of the code keep their
// order (Unicode Bidirectional Algorithm, P2, W2, W7, L2). Digits alone keep it in either direction; a
// code like 7K3MPQ does not where left-to-right is forced. A mark before the code would help there, but
// it would come along when the code is copied.
struct Language {
    std::string_view tag;    // BCP 47, in its usual case
    std::string_view speech; // with the region that speech engines list
    std::string_view text;
    std::string_view voice; // '' = as text; where the sentence is spoken around the code
};

constexpr std::array languages{
    Language{"en", "en-US", "Your Personal Authorization Code is: {code}", ""},
    Language{"en-GB", "en-GB", "Your Personal Authorization Code is: {code}", ""},
    Language{"af", "af-ZA", "U persoonlike magtigingskode is: {code}", ""},
    Language{"ar", "ar-SA", "رمز التحقق الشخصي الخاص بك هو: {code}", ""},
    Language{"az", "az-AZ", "Şəxsi təsdiq kodunuz: {code}", ""},
    Language{"be", "be-BY", "Ваш асабісты код пацвярджэння: {code}", ""},
    Language{"bg", "bg-BG", "Вашият личен код за потвърждение е: {code}", ""},
    Language{"bn", "bn-IN", "আপনার ব্যক্তিগত যাচাইকরণ কোড: {code}", ""},
    Language{"bs", "bs-BA", "Vaš lični kod za potvrdu je: {code}", ""},
    Language{"ca", "ca-ES", "El vostre codi d'autorització personal és: {code}", ""},
    Language{"cs", "cs-CZ", "Váš osobní autorizační kód je: {code}", ""},
    Language{"cy", "cy-GB", "Eich cod awdurdodi personol yw: {code}", ""},
    Language{"da", "da-DK", "Din personlige godkendelseskode er: {code}", ""},
    Language{"de", "de-DE", "Ihr persönlicher Bestätigungscode lautet: {code}", ""},
    Language{"el", "el-GR", "Ο προσωπικός σας κωδικός επαλήθευσης είναι: {code}", ""},
    Language{"es", "es-ES", "Su código de autorización personal es: {code}", ""},
    Language{"es-419", "es-MX", "Su código de autorización personal es: {code}", ""},
    Language{"et", "et-EE", "Teie isiklik kinnituskood on: {code}", ""},
    Language{"eu", "eu-ES", "Zure egiaztapen-kode pertsonala hau da: {code}", ""},
    Language{"fa", "fa-IR", "کد تأیید شخصی شما: {code}", ""},
    Language{"fi", "fi-FI", "Henkilökohtainen vahvistuskoodisi on: {code}", ""},
    Language{"fil", "fil-PH", "Ang inyong personal na authorization code ay: {code}", ""},
    Language{"fr", "fr-FR", "Votre code d'autorisation personnel est : {code}", ""},
    Language{"fr-CA", "fr-CA", "Votre code d'autorisation personnel est : {code}", ""},
    Language{"ga", "ga-IE", "Do chód fíoraithe pearsanta: {code}", ""},
    Language{"gl", "gl-ES", "O seu código de autorización persoal é: {code}", ""},
    Language{"gu", "gu-IN", "તમારો વ્યક્તિગત ચકાસણી કોડ: {code}", ""},
    Language{"he", "he-IL", "קוד האימות האישי שלך הוא: {code}", ""},
    Language{"hi", "hi-IN", "आपका व्यक्तिगत सत्यापन कोड यह है: {code}", ""},
    Language{"hr", "hr-HR", "Vaš osobni autorizacijski kod je: {code}", ""},
    Language{"hu", "hu-HU", "Az Ön személyes hitelesítő kódja: {code}", ""},
    Language{"hy", "hy-AM", "Ձեր անձնական հաստատման կոդն է՝ {code}", ""},
    Language{"id", "id-ID", "Kode otorisasi pribadi Anda adalah: {code}", ""},
    Language{"is", "is-IS", "Persónulegi staðfestingarkóðinn þinn er: {code}", ""},
    Language{"it", "it-IT", "Il suo codice di autorizzazione personale è: {code}", ""},
    Language{"ja", "ja-JP", "お客様専用の認証コードは次のとおりです：{code}",
             "お客様専用の認証コードは、{code}です。"},
    Language{"ka", "ka-GE", "თქვენი პირადი ავტორიზაციის კოდია: {code}", ""},
    Language{"kk", "kk-KZ", "Сіздің жеке растау кодыңыз: {code}", ""},
    Language{"km", "km-KH", "លេខកូដផ្ទៀងផ្ទាត់ផ្ទាល់ខ្លួនរបស់អ្នកគឺ៖ {code}", ""},
    Language{"kn", "kn-IN", "ನಿಮ್ಮ ವೈಯಕ್ತಿಕ ದೃಢೀಕರಣ ಕೋಡ್: {code}", ""},
    Language{"ko", "ko-KR", "귀하의 개인 인증 코드는 다음과 같습니다: {code}",
             "귀하의 개인 인증 코드는 {code}입니다."},
    Language{"ky", "ky-KG", "Сиздин жеке ырастоо кодуңуз: {code}", ""},
    Language{"lo", "lo-LA", "ລະຫັດຢືນຢັນສ່ວນຕົວຂອງທ່ານແມ່ນ: {code}", ""},
    Language{"lt", "lt-LT", "Jūsų asmeninis patvirtinimo kodas: {code}", ""},
    Language{"lv", "lv-LV", "Jūsu personīgais apstiprinājuma kods ir: {code}", ""},
    Language{"mk", "mk-MK", "Вашиот личен код за потврда е: {code}", ""},
    Language{"ml", "ml-IN", "നിങ്ങളുടെ വ്യക്തിഗത സ്ഥിരീകരണ കോഡ്: {code}", ""},
    Language{"mn", "mn-MN", "Таны хувийн баталгаажуулах код: {code}", ""},
    Language{"mr", "mr-IN", "आपला वैयक्तिक पडताळणी कोड: {code}", ""},
    Language{"ms", "ms-MY", "Kod pengesahan peribadi anda ialah: {code}", ""},
    Language{"my", "my-MM", "သင်၏ ကိုယ်ပိုင် အတည်ပြုကုဒ်မှာ: {code}", ""},
    Language{"nb", "nb-NO", "Din personlige autorisasjonskode er: {code}", ""},
    Language{"ne", "ne-NP", "तपाईंको व्यक्तिगत प्रमाणीकरण कोड: {code}", ""},
    Language{"nl", "nl-NL", "Uw persoonlijke autorisatiecode is: {code}", ""},
    Language{"pa", "pa-IN", "ਤੁਹਾਡਾ ਨਿੱਜੀ ਪੁਸ਼ਟੀਕਰਨ ਕੋਡ: {code}", ""},
    Language{"pl", "pl-PL", "Twój osobisty kod autoryzacyjny to: {code}", ""},
    Language{"pt", "pt-PT", "O seu código de autorização pessoal é: {code}", ""},
    Language{"pt-BR", "pt-BR", "Seu código de autorização pessoal é: {code}", ""},
    Language{"ro", "ro-RO", "Codul dumneavoastră personal de autorizare este: {code}", ""},
    Language{"ru", "ru-RU", "Ваш персональный код подтверждения: {code}", ""},
    Language{"si", "si-LK",
             "ඔබේ පෞද්ගලික සත්‍යාපන කේතය: {code}",
             ""},
    Language{"sk", "sk-SK", "Váš osobný autorizačný kód je: {code}", ""},
    Language{"sl", "sl-SI", "Vaša osebna avtorizacijska koda je: {code}", ""},
    Language{"sq", "sq-AL", "Kodi juaj personal i verifikimit është: {code}", ""},
    Language{"sr", "sr-RS", "Ваш лични код за потврду је: {code}", ""},
    Language{"sr-Latn", "sr-RS", "Vaš lični kod za potvrdu je: {code}", ""},
    Language{"sv", "sv-SE", "Din personliga verifieringskod är: {code}", ""},
    Language{"sw", "sw-KE", "Msimbo wako binafsi wa uthibitishaji ni: {code}", ""},
    Language{"ta", "ta-IN", "உங்கள் தனிப்பட்ட சரிபார்ப்புக் குறியீடு: {code}", ""},
    Language{"te", "te-IN", "మీ వ్యక్తిగత ధృవీకరణ కోడ్: {code}", ""},
    Language{"th", "th-TH", "รหัสยืนยันส่วนตัวของคุณคือ: {code}", ""},
    Language{"tr", "tr-TR", "Kişisel doğrulama kodunuz: {code}", ""},
    Language{"uk", "uk-UA", "Ваш особистий код підтвердження: {code}", ""},
    Language{"ur", "ur-PK", "آپ کا ذاتی تصدیقی کوڈ یہ ہے: {code}", ""},
    Language{"uz", "uz-UZ", "Shaxsiy tasdiqlash kodingiz: {code}", ""},
    Language{"vi", "vi-VN", "Mã xác thực cá nhân của quý khách là: {code}", ""},
    Language{"zh", "zh-CN", "您的个人验证码是：{code}", ""},
    Language{"zh-HK", "zh-HK", "您的個人驗證碼是：{code}", ""},
    Language{"zh-TW", "zh-TW", "您的個人驗證碼是：{code}", ""},
};

// Another name for a language of the list: codes that were withdrawn or that stand for several
// languages (IANA's registry of subtags), Chinese by its scripts, and the countries whose Spanish is
// es-419 (CLDR, parentLocales). Nynorsk is read as Bokmål.
struct Alias {
    std::string_view tag;
    std::string_view meant;
};

constexpr std::array aliases{
    Alias{"no", "nb"},
    Alias{"nn", "nb"},
    Alias{"iw", "he"},
    Alias{"in", "id"},
    Alias{"tl", "fil"},
    Alias{"yue", "zh-HK"},
    Alias{"zh-Hans", "zh"},
    Alias{"zh-Hant", "zh-TW"},
    Alias{"zh-Hant-HK", "zh-HK"},
    Alias{"zh-Hant-MO", "zh-HK"},
    Alias{"zh-MO", "zh-HK"},
    Alias{"es-AR", "es-419"},
    Alias{"es-BO", "es-419"},
    Alias{"es-CL", "es-419"},
    Alias{"es-CO", "es-419"},
    Alias{"es-CR", "es-419"},
    Alias{"es-CU", "es-419"},
    Alias{"es-DO", "es-419"},
    Alias{"es-EC", "es-419"},
    Alias{"es-GT", "es-419"},
    Alias{"es-HN", "es-419"},
    Alias{"es-MX", "es-419"},
    Alias{"es-NI", "es-419"},
    Alias{"es-PA", "es-419"},
    Alias{"es-PE", "es-419"},
    Alias{"es-PR", "es-419"},
    Alias{"es-PY", "es-419"},
    Alias{"es-SV", "es-419"},
    Alias{"es-US", "es-419"},
    Alias{"es-UY", "es-419"},
    Alias{"es-VE", "es-419"},
};

constexpr std::size_t max_tag_bytes = 35; // RFC 5646, 4.4.1

bool same_tag(std::string_view a, std::string_view b) noexcept {
    if (a.size() != b.size())
        return false;
    for (std::size_t i = 0; i < a.size(); i++) {
        const char x = a[i] == '_' ? '-' : to_lower(a[i]);
        if (x != to_lower(b[i]))
            return false;
    }
    return true;
}

// A language of letters, then subtags: what can be shown in an error. Anything else may be a message
// or a code that was passed in the wrong place.
bool is_tag(std::string_view locale) noexcept {
    if (locale.size() > max_tag_bytes)
        return false;
    std::size_t length = 0;
    bool language = true;
    for (const char c : locale) {
        if (c == '-' || c == '_') {
            if (length < (language ? 2U : 1U))
                return false;
            language = false;
            length = 0;
        } else if (!(language ? is_alpha(c) : is_alnum(c)) || ++length > (language ? 3U : 8U)) {
            return false;
        }
    }
    return length >= (language ? 2U : 1U);
}

const Language *find_exactly(std::string_view tag) noexcept {
    for (const Alias &alias : aliases)
        if (same_tag(tag, alias.tag))
            tag = alias.meant;
    for (const Language &language : languages)
        if (same_tag(tag, language.tag))
            return &language;
    return nullptr;
}

// The longest known prefix, subtag by subtag (RFC 4647, 3.4); nullptr where there is none.
const Language *find(std::string_view locale) noexcept {
    if (locale.empty())
        return &languages.front();
    if (!is_tag(locale))
        return nullptr;
    while (true) {
        if (const Language *language = find_exactly(locale); language != nullptr)
            return language;
        const std::size_t end = locale.find_last_of("-_");
        if (end == std::string_view::npos)
            return nullptr;
        locale = locale.substr(0, end);
    }
}

} // namespace

std::string_view builtin_template(std::string_view locale, Channel channel) {
    const Language *language = find(locale);
    if (language == nullptr) {
        std::string known;
        for (const Language &each : languages)
            known.append(known.empty() ? "" : ", ").append(each.tag);
        std::string message = "no built-in text for that locale";
        if (is_tag(locale))
            message = "no built-in text for locale \"" + std::string(locale) + "\"";
        throw Error(sqlstate::invalid_parameter_value, std::move(message),
                    "There are texts for " + known +
                        ". For another language, give the message itself.");
    }
    return channel == Channel::voice && !language->voice.empty() ? language->voice : language->text;
}

std::string_view meant_locale(std::string_view locale) noexcept {
    for (const Alias &alias : aliases)
        if (same_tag(locale, alias.tag))
            return alias.meant;
    return locale;
}

std::string canonical_locale(std::string_view locale) {
    std::string canonical;
    while (!locale.empty()) {
        const std::string_view subtag = locale.substr(0, locale.find_first_of("-_"));
        const bool first = canonical.empty();
        if (!first)
            canonical += '-';
        for (std::size_t i = 0; i < subtag.size(); i++) {
            const bool upper = !first && (subtag.size() == 2 || (subtag.size() == 4 && i == 0));
            canonical += upper ? to_upper(subtag[i]) : to_lower(subtag[i]);
        }
        locale.remove_prefix(std::min(subtag.size() + 1, locale.size()));
    }
    return canonical;
}

void check_locale_tag(std::string_view locale) {
    if (!locale.empty() && !is_tag(locale))
        throw Error(sqlstate::invalid_parameter_value, "locale is not a language tag",
                    "Use the form of BCP 47, such as de, pt-BR or zh-Hant.");
}

std::string_view speech_locale(std::string_view locale) noexcept {
    const Language *language = find(locale);
    return language == nullptr ? std::string_view{} : language->speech;
}

std::size_t builtin_locale_count() noexcept { return languages.size(); }

std::string_view builtin_locale(std::size_t index) noexcept { return languages.at(index).tag; }

} // namespace mfa::core
