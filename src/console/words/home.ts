export const homeWords = {
  title: "Home",
  hello: (name: string) => `Signed in as ${name}`,
} as const;
