package rivals;

import java.io.IOException;

/**
 * The null rival in Java: the two words of the page, plain acquire spin, as cpp/bare.cpp. It
 * separates what a runtime costs from what a transport costs.
 */
final class Bare {
  private Bare() {}

  private static void lead(Page page) {
    Parts parts = new Parts();
    long count = page.get(Page.BACK);
    long each = page.part();
    page.meet(true);
    for (int part = 0; part <= Page.PARTS; ++part) {
      long began = System.nanoTime();
      count = trips(page, count, each);
      if (part != 0) {
        parts.add(began, each);
      }
    }
    parts.write(page);
  }

  private static long trips(Page page, long count, long each) {
    for (long i = 0; i < each; ++i) {
      ++count;
      page.set(Page.THERE, count);
      while (page.get(Page.BACK) != count) {}
    }
    return count;
  }

  private static void follow(Page page) {
    long count = page.get(Page.BACK);
    long all = page.part() * (Page.PARTS + 1);
    page.meet(false);
    for (long i = 0; i < all; ++i) {
      ++count;
      while (page.get(Page.THERE) != count) {}
      page.set(Page.BACK, count);
    }
  }

  static void run(Page page, boolean leads) throws IOException {
    page.nameThread(leads);
    for (page.answer(); ; page.answer()) {
      page.waitForBaton();
      if (leads) {
        lead(page);
      } else {
        follow(page);
      }
    }
  }
}
