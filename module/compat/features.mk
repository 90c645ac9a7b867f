# SPDX-License-Identifier: GPL-2.0-only
# For a Kbuild that has set `compat` to this folder: makes $(obj)/compat/features.h, which says what
# this kernel has. Compile probes find that out.

# RHEL 8 has two forms of struct mmu_notifier_ops. This asks for the form of other kernels.
compat_flags := -DRH_MMU_NOTIFIER_V2
ccflags-y += $(compat_flags)

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
