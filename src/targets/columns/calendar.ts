/** Days of the Gregorian calendar in the years 0001-9999, without `Date`, which takes years below 100 for 19xx. */
export const MONTHS = [
  "January",
  "February",
  "March",
  "April",
  "May",
  "June",
  "July",
  "August",
  "September",
  "October",
  "November",
  "December",
] as const;

function isLeapYear(year: number): boolean {
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
}

function daysInMonth(year: number, month: number): number {
  if (month === 2) return isLeapYear(year) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

/** Days since 1970-01-01. */
export function dayNumber(year: number, month: number, day: number): number {
  const shifted = month <= 2 ? year - 1 : year;
  const era = Math.floor(shifted / 400);
  const yearOfEra = shifted - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}

/** @returns why there is no such day; null: there is */
export function dayProblem(year: number, month: number, day: number): string | null {
  if (year < 1) return "years begin with 0001";
  if (month < 1 || month > 12) return `there is no month ${month}`;
  const days = daysInMonth(year, month);
  if (day < 1 || day > days) return `${MONTHS[month - 1]} ${year} has ${days} days`;
  return null;
}

const TWO = Array.from({ length: 100 }, (_, number) => String(number).padStart(2, "0"));

export function twoDigits(number: number): string {
  return TWO[number] ?? String(number);
}

export function isoDate(year: number, month: number, day: number): string {
  const digits = year >= 1000 ? String(year) : String(year).padStart(4, "0");
  return `${digits}-${twoDigits(month)}-${twoDigits(day)}`;
}
