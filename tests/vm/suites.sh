# SPDX-License-Identifier: GPL-2.0-or-later
suites_main() { die "not yet"; }
