// The files of bench/page, as they were when this was built. uPlot's are empty without npm.
#pragma once

namespace millrace::bench {

extern const char* const kPageHtml;
extern const char* const kPageCss;
extern const char* const kPageJs;
extern const char* const kUplotJs;
extern const char* const kUplotCss;

}  // namespace millrace::bench
