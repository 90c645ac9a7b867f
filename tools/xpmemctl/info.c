/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "xpmemctl.h"

enum status info(int count, char **arguments)
{
	const struct attribute_set *sets[] = { &info_attributes, NULL };
	struct json_object *object, *selected;
	struct netlink netlink;
	enum status status;

	if (count)
		return fail(
			STATUS_USAGE,
			"info takes no argument, but there is \"%s\"; see: xpmemctl info --help",
			arguments[0]);
	status = columns_check(sets);
	if (status == STATUS_OK)
		status = netlink_open(&netlink);
	if (status != STATUS_OK)
		return status;
	status = netlink_get(&netlink, &operation_info_get, 0, &object);
	if (status == STATUS_OK && options.format == FORMAT_TABLE) {
		table_print_object("info", &info_attributes, object);
		status = output_finish();
	} else if (status == STATUS_OK) {
		selected = columns_select(object);
		status = output_document("info", selected);
	}
	json_object_put(object);
	netlink_close(&netlink);
	return status;
}
