// The launcher: one static background worker that starts delivery workers where there is work.
#pragma once

namespace mfa::launcher {

// Registers it; from _PG_init in the postmaster.
void install();

} // namespace mfa::launcher
