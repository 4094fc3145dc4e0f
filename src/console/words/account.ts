export const accountWords = {
  title: "Account",
  sections: {
    profile: "Profile",
    password: "Password",
    sessions: "Sessions",
    tokens: "API tokens",
    notifications: "Notifications",
  },
} as const;

export const profileWords = {
  title: "Profile",
  username: "Username",
  name: "Name",
  role: "Role",
  email: "E-mail address",
  noEmail: "None. Without an address you get no mail, and cannot reset a forgotten password.",
  confirmed: "Confirmed",
  unconfirmed: "Not confirmed",
  unconfirmedHint: "Until you confirm the address, only mails about your account go to it.",
  sendAgain: "Send the link again",
  sent: "A mail with a link is on its way.",
  refused: "Mail to this address is refused",
  refusedHint: (reply: string) => `The mail server of the address answered: ${reply}`,
  refusedNext:
    "Rowmill sends no more mail to it. Ask an administrator to change the address or to lift this.",
  change: "An administrator can change the name, the role and the address.",
} as const;

export const usageWords = {
  title: "Usage",
  names: {
    batches: "Imports",
    batch_rows: "Rows of imports",
    batch_bytes: "Size of imports",
    records: "Books and records",
    tasks: "Tasks",
    open_tasks: "Tasks that wait or run",
    schedules: "Schedules",
    workflows: "Workflows",
    files: "Files and pictures",
    file_bytes: "Size of files",
  },
  of: (used: string, limit: string) => `${used} of ${limit}`,
} as const;

export const passwordWords = {
  title: "Change your password",
  current: "Current password",
  next: "New password",
  keepTokens: "Keep my API tokens",
  keepTokensHint: "Keep them only if nobody else can know the current password.",
  effect: "Your other sessions end at once, and your API tokens are revoked. This session goes on.",
  submit: "Change the password",
  done: "Your password is changed, and your other sessions have ended.",
} as const;

export const sessionListWords = {
  title: "Sessions",
  description: "Browsers and programs that are signed in to your account.",
  device: "Device",
  current: "This one",
  address: "Address",
  lastUsed: "Last used",
  started: "Signed in",
  ends: "Ends if unused",
  unknownDevice: "Unknown device",
  on: (program: string, system: string) => `${program} on ${system}`,
  end: "End",
  endTitle: (device: string) => `End the session of ${device}?`,
  endHint: "The device is signed out at once. Unsaved changes there are lost.",
  ended: "The session has ended.",
  endOthers: "End all others",
  endOthersTitle: "End all other sessions?",
  endOthersHint: "All devices but this one are signed out at once. API tokens stay valid.",
  othersEnded: (count: string) => `Sessions ended: ${count}.`,
  empty: "No sessions",
  emptyHint: "You are signed in without a session.",
} as const;

export const tokenWords = {
  title: "API tokens",
  description:
    "For programs. A token has your rights, but cannot change accounts, passwords, sessions or tokens.",
  create: "Create a token",
  name: "Name",
  nameHint: "Names the program that uses the token, such as nightly import.",
  expiry: "Valid for",
  expiries: {
    "30": "30 days",
    "90": "90 days",
    "365": "One year",
    never: "Without an end",
  },
  neverHint: "A token without an end stays valid until you revoke it or change your password.",
  ending: (hint: string) => `ends with ${hint}`,
  created: "Created",
  expires: "Expires",
  never: "Never",
  notUsed: "Not yet",
  lastUsed: "Last used",
  token: "Token",
  createdTitle: (name: string) => `The token ${name} is created`,
  example: "Try it",
  revoke: "Revoke",
  revokeTitle: (name: string) => `Revoke ${name}?`,
  revokeHint: "Programs that use the token stop working at once. This cannot be undone.",
  revoked: "The token is revoked.",
  empty: "No API tokens",
  emptyHint: "Create a token for each program that calls the API, so that you can revoke each alone.",
} as const;

export const preferenceWords = {
  title: "Notifications",
  description: "The events that you hear of, and how.",
  event: "Event",
  channels: { in_app: "In the console", email: "E-mail", webhook: "Webhooks" },
  checkbox: (event: string, channel: string) => `${event}: ${channel}`,
  mail: {
    unconfirmed: "Mails begin when you have confirmed your address.",
    refused: "The mail server of your address refuses mail, so no mails are sent.",
    none: "Your account has no e-mail address, so no mails are sent.",
  },
  toProfile: "See your profile",
  restore: "Restore the defaults",
  saved: "Saved",
} as const;
