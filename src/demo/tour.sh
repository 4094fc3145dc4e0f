#!/bin/sh
# Tours the API with curl: sign up, log in, upload a CSV, poll, list rows and books, run a task.
#   sh src/demo/tour.sh [BASE_URL] [FILE.csv]
set -eu
base=${1:-http://127.0.0.1:8000}
file=${2:-$(dirname "$0")/books.csv}
name="tour-$(date +%s)-$$"
account="{\"username\":\"$name\",\"password\":\"correct horse\",\"email\":\"$name@example.com\"}"

# Prints a text field of the JSON on standard input.
field() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"; }
call() { curl -sS --fail-with-body -H "Authorization: Bearer $token" "$@"; }
token=

echo "Signing up as $name"
call -X POST "$base/signup/" -H 'Content-Type: application/json' -d "$account" >/dev/null
token=$(call -X POST "$base/login/" -H 'Content-Type: application/json' -d "$account" | field access)

echo "Uploading $file"
batch=$(call -X POST "$base/api/v1/batches?target=books" -F "file=@$file" | field id)

until call "$base/api/v1/batches/$batch" | grep -q '"finished_at":"'; do sleep 0.5; done
call "$base/api/v1/batches/$batch"
printf '\n\nThe first failed rows:\n'
call "$base/api/v1/batches/$batch/rows?status=failed&limit=3"
printf '\n\nThe first books:\n'
call "$base/api/v1/books?limit=3"

# Upload the same file again, as the input of a task.
kept=$(call "$base/api/v1/files" -F "file=@$file" | sed 's/^{"id":"\([^"]*\)".*/\1/')
task=$(call "$base/api/v1/tasks" -H 'Content-Type: application/json' -d "{\"type\":\"document\",\"file_id\":\"$kept\"}" |
  sed 's/^{"id":"\([^"]*\)".*/\1/')
until call "$base/api/v1/tasks/$task" | grep -q '"completed_at":"'; do sleep 0.5; done
printf '\n\nThe task that read the file:\n'
call "$base/api/v1/tasks/$task"
echo
