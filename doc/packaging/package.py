# SPDX-License-Identifier: GPL-2.0-or-later
# A recipe for Spack. Put it into a repository as packages/xpmem/package.py.
from spack.package import *
from spack_repo.builtin.build_systems.meson import MesonPackage


class Xpmem(MesonPackage):
    """Library and tools of XPMEM, with which one process maps the memory of another.

    The kernel module is not built: it belongs to the machine, not to a user's software.
    """

    homepage = "https://xpmem.invalid"
    url = "https://xpmem.invalid/xpmem-3.0.0.tar.xz"

    license("LGPL-2.1-or-later AND GPL-2.0-or-later")

    version("3.0.0")

    variant("tools", default=True, description="Build xpmemctl and xpmembench")
    variant("python", default=False, description="Install the Python package")

    depends_on("c", type="build")
    depends_on("meson@0.61:", type="build")
    depends_on("pkgconfig", type="build")
    depends_on("json-c@0.13:", when="+tools")
    depends_on("libnl", when="+tools")
    depends_on("util-linux@2.32:", when="+tools")

    extends("python@3.7:", when="+python")

    def meson_args(self):
        def feature(option, variant):
            return f"-D{option}={'enabled' if self.spec.satisfies(variant) else 'disabled'}"

        return [
            "-Dmodule=disabled",
            "-Dgenerator=disabled",
            "-Dtests=false",
            f"-Dudevrulesdir={self.prefix.lib}/udev/rules.d",
            feature("tools", "+tools"),
            feature("python", "+python"),
        ]
