# SPDX-License-Identifier: GPL-2.0-only
# For a Kbuild that has set `compat` to this folder: makes $(obj)/compat/features.h, which says
# which form each interface has on this kernel. Compile probes find that out.

# RHEL 8 has two forms of struct mmu_notifier_ops. This asks for the form of other kernels.
compat_flags := -DRH_MMU_NOTIFIER_V2
ccflags-y += $(compat_flags)

# Whether modules may write page-table entries, and entries for PMD_SIZE. These architectures export
# the functions for that, or have them inline. On others, such as powerpc, only the core's functions
# create entries, and none is huge. A build with XPMEM_CORE_ENTRIES=1 does the same anywhere.
writes_entries :=
ifneq ($(XPMEM_CORE_ENTRIES),1)
writes_entries := $(filter y,$(CONFIG_X86_64) $(CONFIG_ARM64))
endif
huge_entries := $(and $(writes_entries),$(CONFIG_TRANSPARENT_HUGEPAGE),\
	$(or $(CONFIG_ARCH_SUPPORTS_PMD_PFNMAP),$(CONFIG_ARCH_HAS_PTE_DEVMAP)))
ccflags-y += $(if $(writes_entries),-DXPMEM_WRITES_ENTRIES) \
	$(if $(huge_entries),-DXPMEM_HAS_HUGE_ENTRIES)

probes := $(wildcard $(compat)/probes/*.c $(compat)/probes/*/*.c)
# Kbuild runs it with set -e, which ignores failures before &&.
quiet_cmd_probe = PROBE   $@
      cmd_probe = mkdir -p $(dir $@); \
		$(CONFIG_SHELL) $(compat)/probe.sh $(objtree)/Module.symvers $(compat)/probes \
		$(dir $@) $(CC) \
		$(NOSTDINC_FLAGS) $(LINUXINCLUDE) $(KBUILD_CPPFLAGS) $(KBUILD_CFLAGS) \
		$(compat_flags) -DMODULE -DKBUILD_MODNAME='"xpmem"' > $@.tmp; mv $@.tmp $@

$(obj)/compat/features.h: $(compat)/probe.sh $(probes) $(wildcard $(objtree)/Module.symvers) FORCE
	$(call if_changed,probe)
targets += compat/features.h
clean-files := compat/features.h compat/probe.h compat/probe.h.gch
