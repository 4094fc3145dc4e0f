/** Excel keeps as many digits. */
const DIGITS = 15;
/** Numbers with more digits before the point are written with an exponent. */
const MAX_WHOLE_DIGITS = 21;
const MAX_ZEROS = 20;

/**
 * Writes a number without a format in full. A narrow column shows `9.78014E+12` for a number with 13 digits, but an
 * import needs all of them.
 */
export function generalNumber(value: number): string {
  if (Number.isSafeInteger(value) && Math.abs(value) < 10 ** DIGITS) return String(value);
  const [mantissa = "", exponentText = "0"] = value.toExponential(DIGITS - 1).split("e");
  const sign = mantissa.startsWith("-") ? "-" : "";
  const digits = mantissa.replace(/[-.]/g, "").replace(/0+$/, "");
  const exponent = Number(exponentText);
  if (digits === "") return "0";
  if (exponent >= MAX_WHOLE_DIGITS || exponent < -MAX_ZEROS) {
    const fraction = digits.length > 1 ? `.${digits.slice(1)}` : "";
    return `${sign}${digits[0]}${fraction}E${exponent < 0 ? "-" : "+"}${Math.abs(exponent)}`;
  }
  if (exponent < 0) return `${sign}0.${"0".repeat(-exponent - 1)}${digits}`;
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, "0");
  const fraction = digits.slice(exponent + 1);
  return `${sign}${whole}${fraction === "" ? "" : `.${fraction}`}`;
}
