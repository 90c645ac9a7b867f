// SPDX-License-Identifier: GPL-2.0-only
/* before 5.4, and RHEL 8: no symbol is in a namespace. */
#include <linux/module.h>

#if defined(MODULE_IMPORT_NS) || defined(EXPORT_SYMBOL_NS)
#error "there are namespaces"
#endif
