#!/bin/sh
# What cron runs every five minutes: a page for each day with its news, and with the feeds that have failed for long.
# Copy it, and change the paths:
#   */5 * * * *  $HOME/bin/cron.sh $HOME/feeds.txt $HOME/news
# cron sets next to no variables: CONDGET names the command, which `condget schedule cron FEEDS` prints.
set -u
feeds=$1
pages=$2
condget=${CONDGET:-condget}

mkdir -p "$pages" || exit 1
page=$pages/$(date +%Y-%m-%d).md

# -q: another run that is still busy (75) is no reason for a mail; in Markdown, failures that last are on the page.
$condget poll -q --format markdown --deadline 4m "$feeds" >> "$page"
code=$?

# A day without news needs no page.
[ -s "$page" ] || rm -f "$page"

case $code in
    0 | 1) exit 0 ;;  # 1: a feed failed, and was reported if that lasts
    75) exit 0 ;;     # another run holds the state
    *) echo "condget poll ended with $code" >&2; exit "$code" ;;
esac
