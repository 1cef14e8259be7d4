/**
 * Charging of driver work: what drivers counted for each client, what processor time that stands
 * for, and what their threads really took.
 */
@NullMarked
package duality.shell.charge;

import org.jspecify.annotations.NullMarked;
