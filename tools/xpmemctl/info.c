/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "xpmemctl.h"

enum status info(int count, char **arguments, bool table)
{
	struct json_object *object, *output;
	struct netlink netlink;
	enum status status;

	if (count)
		return fail(STATUS_USAGE, "info takes no argument, but there is \"%s\"; see: xpmemctl info --help", arguments[0]);
	status = netlink_open(&netlink);
	if (status != STATUS_OK)
		return status;
	status = netlink_get(&netlink, &operation_info_get, 0, &object);
	if (status == STATUS_OK && table) {
		table_print_object("info", &info_attributes, object);
		status = output_finish();
	} else if (status == STATUS_OK) {
		output = json_output(&netlink);
		status = json_put(output, "info", json_object_get(object)) ? json_print(output) : fail(STATUS_FAILED, "out of memory");
		json_object_put(output);
	}
	json_object_put(object);
	netlink_close(&netlink);
	return status;
}
