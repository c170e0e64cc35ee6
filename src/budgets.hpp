// The table mfa.budget: what may be spent in a day or a month, as mfa.usage_total counts it.
#pragma once

#include <string>

#include "pg.hpp"

namespace mfa::budgets {

// core::Error MF003 where a budget that the destination falls under is used up. C++ zone.
void check(const std::string &destination);

// Says once a period in the log, and to the listeners of channel mfa_budget, which budgets have come to
// their warn_at, and which are used up. Something was spent: looks no more than once a second. The worker
// is leaving: makes up for a look that came too soon. PostgreSQL zone, inside a transaction of the worker
// with SPI.
enum class Occasion { spent, leaving };
void announce(Occasion occasion);

} // namespace mfa::budgets
